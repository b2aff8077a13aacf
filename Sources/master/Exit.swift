/// Why master ends before or without running: the text goes to the log as critical, the code to the caller.
struct Exit: Error {
    enum Code: Int32 {
        case success = 0
        case failure = 1
        case descriptors = 2
        /// EX_UNAVAILABLE: a port could not be bound and master_bind_errors_fatal is on.
        case unavailable = 69
        /// EX_OSERR
        case osError = 71
        /// EX_TEMPFAIL: another start is under way.
        case busy = 75
        /// EX_CONFIG
        case configuration = 78
    }

    var code: Code
    var text: String

    init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }
}
