import Mailbox

/// The message of an APPEND, kept while it comes off the wire: on the stage of the mailbox's partition once it is big.
final class IncomingMessage {
    private let store: MailStore
    private let partition: String
    private var spool: MessageSpool? = MessageSpool()
    private var failure: MailboxError?

    init(_ store: MailStore, partition: String) {
        self.store = store
        self.partition = partition
    }

    /// Adds bytes. What goes wrong is told by `take`: until then the client goes on sending.
    func append(_ bytes: [UInt8]) {
        guard failure == nil else { return }
        do throws(MailboxError) {
            try spool?.append(bytes, in: store, partition: partition)
        } catch {
            failure = error
            spool = nil
        }
    }

    /// The whole message, once.
    func take() throws(MailboxError) -> MessageSpool {
        if let failure { throw failure }
        return spool.take() ?? MessageSpool()
    }
}
