import Bytes

/// Dates of messages (RFC 5322 section 3.3), read as leniently as Cyrus reads them (`time_from_rfc5322`). Times are Unix seconds.
public enum MessageDate {
    /// A date with its time and zone; nil for what is none or lies before 1970. Days, hours, minutes beyond their range run over.
    public static func parse(_ text: borrowing RawSpan) -> Int64? {
        var reader = Reader()
        guard let date = reader.readDate(text), let clock = reader.readClock(text) else { return nil }
        let days = CivilTime.daysFromEpoch(year: date.year, month: date.month, day: date.day)
        let time = days &* 86400 &+ clock.seconds
        return time < 0 ? nil : time &- clock.zone
    }

    /// The day alone, as midnight in `zone`; what stands behind the year does not matter.
    public static func parseDay(_ text: borrowing RawSpan, zone: ServerTimeZone = .system) -> Int64? {
        var reader = Reader()
        guard let date = reader.readDate(text), let time = zone.midnight(year: date.year, month: date.month, day: date.day) else {
            return nil
        }
        return time < 0 ? nil : time
    }

    static let months: [StaticString] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    static let weekdays: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    /// The zone names' first letters with their standard hours west of Greenwich.
    private static let zoneHours: [UInt8: Int64] = [
        0x41: 4, 0x45: 5, 0x43: 6, 0x4d: 7, 0x50: 8, 0x59: 9, 0x48: 10, 0x42: 11,
    ]

    /// Reads the pieces of a date one behind the other.
    private struct Reader {
        var at = 0

        private func byte(_ text: borrowing RawSpan) -> UInt8 {
            at < text.byteCount ? text[at] : 0
        }

        private mutating func skipBlanks(_ text: borrowing RawSpan) {
            while at < text.byteCount, text[at] == 0x20 || text[at] == 0x09 || text[at] == 0x0d || text[at] == 0x0a { at += 1 }
        }

        /// Letters and digits, at most 32.
        private mutating func token(_ text: borrowing RawSpan) -> Range<Int> {
            let start = at
            while at < text.byteCount, at - start < 32, text[at].isASCIIAlphanumeric { at += 1 }
            return start..<at
        }

        /// A number of as many digits as `width` allows. Like Cyrus's `int` it wraps at 32 bits.
        private mutating func number(_ text: borrowing RawSpan, width: ClosedRange<Int>) -> (value: Int32, width: Int)? {
            let range = token(text)
            guard width.contains(range.count) else { return nil }
            var value: Int32 = 0
            for i in range {
                guard text[i].isASCIIDigit else { return nil }
                value = value &* 10 &+ Int32(text[i] - 0x30)
            }
            return (value, range.count)
        }

        /// One separator, and blanks if they follow it.
        private mutating func skipSeparator(_ text: borrowing RawSpan) {
            if at < text.byteCount { at += 1 }
            skipBlanks(text)
        }

        mutating func readDate(_ text: borrowing RawSpan) -> (year: Int64, month: Int, day: Int)? {
            skipBlanks(text)
            if byte(text).isASCIILetter {
                guard token(text).count == 3, byte(text) == UInt8(ascii: ",") else { return nil }
                at += 1
                skipBlanks(text)
            }
            guard let day = number(text, width: 1...2) else { return nil }
            skipSeparator(text)
            let name = token(text)
            guard name.count == 3, let month = MessageDate.months.firstIndex(where: { text.extracting(name).equalsIgnoringCase($0) }) else {
                return nil
            }
            skipSeparator(text)
            guard let year = number(text, width: 1...32) else { return nil }
            if year.width == 2 { return (Int64(year.value) + (year.value < 70 ? 2000 : 1900), month + 1, Int(day.value)) }
            guard year.value >= 1900 else { return nil }
            return (Int64(year.value), month + 1, Int(day.value))
        }

        /// Seconds of the day, and the zone's seconds east of UTC.
        mutating func readClock(_ text: borrowing RawSpan) -> (seconds: Int64, zone: Int64)? {
            skipBlanks(text)
            guard let hour = number(text, width: 1...2), byte(text) == UInt8(ascii: ":") || byte(text) == UInt8(ascii: ".") else {
                return nil
            }
            at += 1
            guard let minute = number(text, width: 1...2) else { return nil }
            var seconds = Int64(hour.value) * 3600 + Int64(minute.value) * 60
            if byte(text) == UInt8(ascii: ":") || byte(text) == UInt8(ascii: ".") {
                at += 1
                guard let second = number(text, width: 1...2) else { return nil }
                seconds += Int64(second.value)
            }
            skipBlanks(text)
            let sign = byte(text)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { at += 1 }
            let range = token(text)
            return (seconds, Reader.zoneSeconds(text.extracting(range), sign: sign))
        }

        private static func zoneSeconds(_ zone: borrowing RawSpan, sign: UInt8) -> Int64 {
            switch zone.byteCount {
            case 1:
                // Military zones; Cyrus counts lower-case letters and digits by their own numbers, which this keeps.
                let letter = Int64(zone[0])
                switch zone[0].asciiUppercased {
                case 0..<0x4a: return (letter - 0x41 + 1) * 3600
                case 0x4b...0x4d: return (letter - 0x41) * 3600
                case 0x4e..<0x5a: return (0x4d - letter) * 3600
                default: return 0
                }
            case 3:
                guard zone[2] | 0x20 == UInt8(ascii: "t"), let hours = MessageDate.zoneHours[zone[0].asciiUppercased] else { return 0 }
                switch zone[1] | 0x20 {
                case UInt8(ascii: "d"): return (1 - hours) * 3600
                case UInt8(ascii: "s"): return -hours * 3600
                default: return 0
                }
            case 4:
                for i in 0..<4 where !zone[i].isASCIIDigit { return 0 }
                let digits = (0..<4).map { Int64(zone[$0] - 0x30) }
                let seconds = ((digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3]) * 60
                return sign == UInt8(ascii: "+") ? seconds : -seconds
            default: return 0
            }
        }
    }
}
