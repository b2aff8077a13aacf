/// sysexits.h, as Cyrus's programs end.
public enum ExitStatus {
    public static let ok: Int32 = 0
    public static let usage: Int32 = 64
    public static let dataError: Int32 = 65
    public static let noUser: Int32 = 67
    public static let unavailable: Int32 = 69
    public static let software: Int32 = 70
    public static let osError: Int32 = 71
    public static let ioError: Int32 = 74
    public static let temporaryFailure: Int32 = 75
    public static let configuration: Int32 = 78
}
