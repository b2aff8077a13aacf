import Bytes
import DList

/// What is limited by a quota root (RFC 9208), in the order Cyrus lists them.
public enum QuotaResource: Int, CaseIterable, Sendable {
    /// Bytes used, limit in KiB.
    case storage
    case messages
    /// Bytes used, limit in KiB.
    case annotationStorage
    case folders

    /// IMAP's name.
    public var name: String {
        switch self {
        case .storage: "STORAGE"
        case .messages: "MESSAGE"
        case .annotationStorage: "X-ANNOTATION-STORAGE"
        case .folders: "X-NUM-FOLDERS"
        }
    }

    /// How many of the database's units one unit of a limit is.
    public var unit: UInt64 {
        switch self {
        case .storage, .annotationStorage: 1024
        case .messages, .folders: 1
        }
    }

    var key: StaticString {
        switch self {
        case .storage: "S"
        case .messages: "M"
        case .annotationStorage: "AS"
        case .folders: "NF"
        }
    }

    public init?(name: some StringProtocol) {
        guard let found = Self.allCases.first(where: { $0.name == name.uppercased() }) else { return nil }
        self = found
    }
}

/// An amount of each resource; negative in differences.
public struct QuotaUsage: Sendable, Equatable {
    private var amounts: InlineArray<4, Int64> = .init(repeating: 0)

    public init() {}

    public init(storage: Int64 = 0, messages: Int64 = 0, annotationStorage: Int64 = 0, folders: Int64 = 0) {
        amounts[0] = storage
        amounts[1] = messages
        amounts[2] = annotationStorage
        amounts[3] = folders
    }

    public subscript(_ resource: QuotaResource) -> Int64 {
        get { amounts[resource.rawValue] }
        set { amounts[resource.rawValue] = newValue }
    }

    public var isZero: Bool { QuotaResource.allCases.allSatisfy { self[$0] == 0 } }

    public static func == (a: QuotaUsage, b: QuotaUsage) -> Bool { QuotaResource.allCases.allSatisfy { a[$0] == b[$0] } }
    public static func - (a: QuotaUsage, b: QuotaUsage) -> QuotaUsage {
        var result = a
        for resource in QuotaResource.allCases { result[resource] -= b[resource] }
        return result
    }
    public static func + (a: QuotaUsage, b: QuotaUsage) -> QuotaUsage {
        var result = a
        for resource in QuotaResource.allCases { result[resource] += b[resource] }
        return result
    }
}

/// One quota root: what is used and what is allowed.
public struct Quota: Sendable, Equatable {
    /// Internal name of the mailbox at which it starts.
    public var root: String
    public var used = QuotaUsage()
    /// In each resource's unit of limits; nil is unlimited.
    public var limits: [QuotaResource: UInt64] = [:]
    public var modSeq = ModSeq.none

    public init(root: String) {
        self.root = root
    }

    /// The first resource of which `more` would be too much. Usage that is over already refuses any growth, and what shrinks is let through.
    public func firstExceeded(by more: QuotaUsage) -> QuotaResource? {
        QuotaResource.allCases.first { resource in
            guard let limit = limits[resource], more[resource] > 0 else { return false }
            let (bytes, overflow) = limit.multipliedReportingOverflow(by: resource.unit)
            return !overflow && used[resource] + more[resource] > Int64(clamping: bytes)
        }
    }

    /// The first resource of which all is used.
    public var firstFull: QuotaResource? {
        QuotaResource.allCases.first { resource in
            guard let limit = limits[resource] else { return false }
            let (bytes, overflow) = limit.multipliedReportingOverflow(by: resource.unit)
            return !overflow && used[resource] >= Int64(clamping: bytes)
        }
    }
}

extension Quota {
    /// Reads a record: `%(S (used limit) M (…) … MODSEQ n)`, or the older text `USED LIMIT [M used limit] [AS …] [NF …]`.
    init(root: String, value: RawSpan, path: String) throws(MailboxError) {
        self.init(root: root)
        guard value.byteCount > 0 else { return }
        if value[0] == UInt8(ascii: "%") {
            let list: DList
            do throws(DListError) {
                list = try DList(parsing: value)
            } catch {
                throw .damaged(path: "\(path) (\(root))", offset: error.offset, expected: "a quota record", found: error.reason.rawValue)
            }
            for resource in QuotaResource.allCases {
                guard let item = list[resource.key]?.list else { continue }
                used[resource] = Int64(clamping: item.first?.number ?? 0)
                if item.count > 1, let limit = item[1].number { limits[resource] = limit }
            }
            modSeq = ModSeq(list["MODSEQ"]?.number ?? 0)
            return
        }
        let words = value.text.split { $0 == " " || $0 == "\n" }.map(String.init)
        func take(_ resource: QuotaResource, _ at: Int) {
            guard words.count > at else { return }
            used[resource] = max(0, Int64(words[at]) ?? 0)
            if words.count > at + 1, let limit = Int64(words[at + 1]), limit >= 0 { limits[resource] = UInt64(limit) }
        }
        take(.storage, 0)
        for (position, word) in words.enumerated() {
            switch word {
            case "M": take(.messages, position + 1)
            case "AS": take(.annotationStorage, position + 1)
            case "NF": take(.folders, position + 1)
            default: break
            }
        }
    }

    var value: [UInt8] {
        var keys: [DList.Entry] = []
        for resource in QuotaResource.allCases {
            var item = [DList.number(UInt64(max(0, used[resource])))]
            if let limit = limits[resource] { item.append(.number(limit)) }
            keys.append(.init(resource.key, .list(item)))
        }
        if modSeq != .none { keys.append(.init("MODSEQ", .number(modSeq.rawValue))) }
        var out: [UInt8] = []
        out.append(DList.keyed(keys))
        return out
    }
}
