/// Where things stand in cyrus.index of one version.
struct IndexLayout: Sendable {
    let headerSize: Int
    let recordSize: Int
    /// Offsets of the CRCs; nil before version 12.
    let headerCRC: Int?
    let recordCRC: Int?

    /// nil for a version that is not known (11, 19, and above 20).
    init?(version: UInt32) {
        switch version {
        case 6: self.init(76, 60)
        case 7: self.init(76, 72)
        case 8: self.init(92, 80)
        case 9: self.init(96, 80)
        case 10: self.init(96, 88)
        case 12: self.init(128, 96, 124, 92)
        case 13: self.init(128, 104, 124, 100)
        case 14, 15: self.init(160, 104, 156, 100)
        case 16, 17, 18: self.init(160, 112, 156, 108)
        case 20: self.init(192, 144, 188, 140)
        default: return nil
        }
    }

    private init(_ headerSize: Int, _ recordSize: Int, _ headerCRC: Int? = nil, _ recordCRC: Int? = nil) {
        self.headerSize = headerSize
        self.recordSize = recordSize
        self.headerCRC = headerCRC
        self.recordCRC = recordCRC
    }
}
