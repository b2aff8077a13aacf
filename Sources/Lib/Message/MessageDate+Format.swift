import Bytes

extension MessageDate {
    /// Appends `Tue, 03 Mar 2020 23:30:00 -0500` (RFC 5322, as Cyrus writes Date: and Received:).
    public static func appendRFC5322(_ time: Int64, zone: ServerTimeZone = .system, to out: inout [UInt8]) {
        let civil = zone.civil(time)
        out.append(weekdays[civil.weekday])
        out.append(", ")
        appendTwo(civil.day, pad: 0x30, to: &out)
        out.append(0x20)
        out.append(months[civil.month - 1])
        out.append(0x20)
        appendYear(civil.year, to: &out)
        out.append(0x20)
        appendClock(civil, to: &out)
    }

    /// Appends ` 3-Mar-2020 23:30:00 -0500` without quotes (IMAP date-time, RFC 3501).
    public static func appendInternalDate(_ time: Int64, zone: ServerTimeZone = .system, to out: inout [UInt8]) {
        let civil = zone.civil(time)
        appendTwo(civil.day, pad: 0x20, to: &out)
        out.append(UInt8(ascii: "-"))
        out.append(months[civil.month - 1])
        out.append(UInt8(ascii: "-"))
        appendYear(civil.year, to: &out)
        out.append(0x20)
        appendClock(civil, to: &out)
    }

    /// Reads an IMAP date-time (RFC 3501: `dd-Mon-yyyy hh:mm:ss +zzzz`, a one-digit day with or without a blank in front). nil: not one.
    public static func parseInternalDate(_ text: borrowing RawSpan) -> Int64? {
        var at = 0
        func digits(_ count: Int) -> Int? {
            guard at + count <= text.byteCount else { return nil }
            var value = 0
            for i in at..<(at + count) {
                guard text[i].isASCIIDigit else { return nil }
                value = value * 10 + Int(text[i] - 0x30)
            }
            at += count
            return value
        }
        func skip(_ byte: UInt8) -> Bool {
            guard at < text.byteCount, text[at] == byte else { return false }
            at += 1
            return true
        }
        _ = skip(0x20)
        guard let day = digits(2) ?? digits(1), skip(UInt8(ascii: "-")), at + 3 <= text.byteCount,
            let month = months.firstIndex(where: { text.slice(at, 3).equalsIgnoringCase($0) })
        else { return nil }
        at += 3
        guard skip(UInt8(ascii: "-")), let year = digits(4), skip(0x20), let hour = digits(2), skip(UInt8(ascii: ":")),
            let minute = digits(2), skip(UInt8(ascii: ":")), let second = digits(2), skip(0x20)
        else { return nil }
        let isWest = skip(UInt8(ascii: "-"))
        guard isWest || skip(UInt8(ascii: "+")), let zoneHour = digits(2), let zoneMinute = digits(2), at == text.byteCount else {
            return nil
        }
        guard day >= 1, day <= daysIn(month: month + 1, year: year), hour < 24, minute < 60, second <= 60 else { return nil }
        let zone = Int64(zoneHour * 3600 + zoneMinute * 60)
        let time =
            CivilTime.daysFromEpoch(year: Int64(year), month: month + 1, day: day) * 86400 + Int64(hour * 3600 + minute * 60 + second)
        return isWest ? time + zone : time - zone
    }

    /// Days of a month of 1...12.
    static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func appendTwo(_ value: Int, pad: UInt8, to out: inout [UInt8]) {
        if value < 10 { out.append(pad) }
        out.append(decimal: value)
    }

    private static func appendYear(_ year: Int64, to out: inout [UInt8]) {
        if year >= 0 && year < 1000 { out.append(contentsOf: repeatElement(0x30, count: year < 10 ? 3 : year < 100 ? 2 : 1)) }
        out.append(decimal: year)
    }

    private static func appendClock(_ civil: CivilTime, to out: inout [UInt8]) {
        appendTwo(civil.hour, pad: 0x30, to: &out)
        out.append(UInt8(ascii: ":"))
        appendTwo(civil.minute, pad: 0x30, to: &out)
        out.append(UInt8(ascii: ":"))
        appendTwo(civil.second, pad: 0x30, to: &out)
        out.append(0x20)
        out.append(UInt8(ascii: civil.offset < 0 ? "-" : "+"))
        let minutes = abs(civil.offset) / 60
        appendTwo(minutes / 60, pad: 0x30, to: &out)
        appendTwo(minutes % 60, pad: 0x30, to: &out)
    }
}
