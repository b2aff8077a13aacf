import Bytes

/// RFC 2047 header text to UTF-8, as Cyrus writes it in cyrus.cache's items 5 to 9.
///
/// An encoded word is `=?charset[*language]?B|Q?text?=` with anything but `?` in its text and no `=` in its label, at any place.
/// White space between two of them is dropped; a character that two words of one set and encoding share is put together;
/// a word in an unknown set becomes one U+FFFD; a folded line is joined (its white space stays); bytes beyond ASCII outside of words
/// become U+FFFD; and the text ends at a NUL.
public enum EncodedWords {
    /// Appends the decoded text of `header`.
    public static func decode(_ header: borrowing RawSpan, into out: inout [UInt8]) {
        let start = out.count
        var copied = 0
        var at = 0
        var afterWord = false
        var run: Run?
        var plain = PlainText()
        while let word = Word(in: header, from: &at) {
            let between = header.slice(copied, word.start - copied)
            if !(afterWord && isBlank(between)) {
                run?.finish(into: &out)
                run = nil
                plain.append(between, into: &out)
            }
            let label = header.extracting(word.charset)
            if let goesOn = run?.goesOn(with: label, isBase64: word.isBase64), goesOn {
                run?.append(header.extracting(word.text), into: &out)
            } else {
                run?.finish(into: &out)
                run = Run(label, isBase64: word.isBase64)
                if run == nil { out.appendReplacement() }
                run?.append(header.extracting(word.text), into: &out)
            }
            copied = word.end
            at = word.end
            afterWord = true
        }
        run?.finish(into: &out)
        plain.append(header.dropping(copied), into: &out)
        if let nul = out.span.bytes.firstOffset(of: 0, from: start) { out.removeLast(out.count - nul) }
    }

    /// The decoded text of `header`.
    public static func decoded(_ header: borrowing RawSpan) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(header.byteCount)
        decode(header, into: &out)
        return out
    }

    private static func isBlank(_ text: borrowing RawSpan) -> Bool {
        for i in 0..<text.byteCount where !text[i].isASCIISpace { return false }
        return true
    }

    /// Text outside of encoded words: ASCII, with the line ends of folds taken out. A CR or CRLF at the very end of it is dropped.
    private struct PlainText {
        private enum State { case text, cr, crlf }
        private var state = State.text

        mutating func append(_ text: borrowing RawSpan, into out: inout [UInt8]) {
            for i in 0..<text.byteCount {
                let byte = text[i]
                switch state {
                case .text where byte == 0x0d:
                    state = .cr
                    continue
                case .cr where byte == 0x0a:
                    state = .crlf
                    continue
                case .cr:
                    out.append(0x0d)
                case .crlf where byte != 0x20 && byte != 0x09:
                    out.append(0x0d)
                    out.append(0x0a)
                case .text, .crlf: break
                }
                state = .text
                if byte < 0x80 { out.append(byte) } else { out.appendReplacement() }
            }
        }
    }

    /// Where one encoded word stands.
    private struct Word {
        let start: Int
        let charset: Range<Int>
        let isBase64: Bool
        let text: Range<Int>
        let end: Int

        /// The first word whose `=` stands at or after `at`; `at` moves on over what is none.
        init?(in header: borrowing RawSpan, from at: inout Int) {
            let count = header.byteCount
            while let equals = header.firstOffset(of: UInt8(ascii: "="), from: at) {
                at = equals + 1
                guard at < count, header[at] == UInt8(ascii: "?") else { continue }
                let label = at + 1
                guard let mark = header.firstOffset(of: UInt8(ascii: "?"), from: label) else { return nil }
                guard header.slice(label, mark - label).firstOffset(of: UInt8(ascii: "=")) == nil else { continue }
                guard mark + 2 < count, header[mark + 2] == UInt8(ascii: "?") else { continue }
                let kind = header[mark + 1] | 0x20
                guard kind == UInt8(ascii: "b") || kind == UInt8(ascii: "q") else { continue }
                guard let close = header.firstOffset(of: UInt8(ascii: "?"), from: mark + 3) else { return nil }
                guard close + 1 < count, header[close + 1] == UInt8(ascii: "=") else { continue }
                start = equals
                let star = header.slice(label, mark - label).firstOffset(of: UInt8(ascii: "*"))
                charset = label..<(star.map { label + $0 } ?? mark)
                isBase64 = kind == UInt8(ascii: "b")
                text = (mark + 3)..<close
                end = close + 2
                return
            }
            return nil
        }
    }

    /// Encoded words of one set and encoding with nothing between them.
    private struct Run: ~Copyable {
        private let label: [UInt8]
        private var charset: Charset
        private let isBase64: Bool
        private var decoder: TransferDecoder

        init?(_ label: borrowing RawSpan, isBase64: Bool) {
            do { charset = try Charset(named: label) } catch { return nil }
            self.label = label.array
            self.isBase64 = isBase64
            decoder = TransferDecoder(isBase64 ? .base64 : .quotedPrintable, isHeader: true)
        }

        func goesOn(with other: borrowing RawSpan, isBase64: Bool) -> Bool {
            guard isBase64 == self.isBase64 else { return false }
            return other.equalsIgnoringCase(label.span.bytes) || charset.isUTF8 && other.equalsIgnoringCase("utf-8")
                || charset.isUTF8 && other.equalsIgnoringCase("utf8")
        }

        mutating func append(_ text: borrowing RawSpan, into out: inout [UInt8]) {
            var bytes: [UInt8] = []
            decoder.decode(text, into: &bytes)
            // Base64 goes on from word to word, Q ends with each; characters go on in UTF-8 only.
            if !isBase64 { decoder.finish(into: &bytes) }
            charset.decode(bytes.span.bytes, final: !charset.isUTF8, into: &out)
        }

        mutating func finish(into out: inout [UInt8]) {
            charset.decode([UInt8]().span.bytes, into: &out)
        }
    }
}
