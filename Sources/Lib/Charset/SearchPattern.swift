import Bytes

/// A text to look for, in search form; matching takes time linear in the text looked at, whatever the pattern (Knuth, Morris, Pratt).
public struct SearchPattern: Sendable {
    private let bytes: [UInt8]
    /// For each length of a matched beginning, the length of the longest shorter beginning that also ends it.
    private let fallback: [Int]

    /// From UTF-8 text, which is folded to the search form.
    public init(_ text: borrowing RawSpan, whitespace: SearchForm.Whitespace = .merge, skipsDiacritics: Bool = true) {
        self.init(folded: SearchForm.of(text, whitespace: whitespace, skipsDiacritics: skipsDiacritics))
    }

    /// From bytes that are in search form already.
    public init(folded bytes: [UInt8]) {
        self.bytes = bytes
        var fallback = [Int](repeating: 0, count: bytes.count + 1)
        var length = 0
        var i = 1
        while i < bytes.count {
            while length > 0 && bytes[i] != bytes[length] { length = fallback[length] }
            if bytes[i] == bytes[length] { length += 1 }
            i += 1
            fallback[i] = length
        }
        self.fallback = fallback
    }

    /// The empty text is in every text.
    public var isEmpty: Bool { bytes.isEmpty }

    /// How much of the pattern the text seen so far ends with.
    public struct Progress: Sendable {
        var matched = 0
        /// Whether the whole pattern was seen.
        public fileprivate(set) var isFound = false

        public init() {}
    }

    /// Goes on over a further piece of folded text. True once the pattern was found.
    public func advance(_ progress: inout Progress, over text: borrowing RawSpan) -> Bool {
        if progress.isFound { return true }
        guard let first = bytes.first else {
            progress.isFound = true
            return true
        }
        var matched = progress.matched
        var at = 0
        while at < text.byteCount {
            if matched == 0 {
                guard let next = text.firstOffset(of: first, from: at) else { break }
                at = next + 1
                matched = 1
            } else {
                let byte = text[at]
                at += 1
                while matched > 0 && bytes[matched] != byte { matched = fallback[matched] }
                if bytes[matched] == byte { matched += 1 }
            }
            if matched == bytes.count {
                progress.isFound = true
                return true
            }
        }
        progress.matched = matched
        return false
    }

    /// Whether folded `text` holds the pattern.
    public func matches(folded text: borrowing RawSpan) -> Bool {
        var progress = Progress()
        return advance(&progress, over: text)
    }

    /// Whether UTF-8 `text` holds the pattern when folded.
    public func matches(_ text: borrowing RawSpan, whitespace: SearchForm.Whitespace = .merge, skipsDiacritics: Bool = true) -> Bool {
        if isEmpty { return true }
        return matches(folded: SearchForm.of(text, whitespace: whitespace, skipsDiacritics: skipsDiacritics).span.bytes)
    }
}
