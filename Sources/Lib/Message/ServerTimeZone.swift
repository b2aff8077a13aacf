import Glibc

/// The zone that days are counted in and dates are printed in.
public enum ServerTimeZone: Sendable, Equatable {
    /// The process's own (environment TZ, /etc/localtime), as Cyrus.
    case system
    /// Seconds east of UTC.
    case fixed(Int)

    /// A point of time in this zone, with the zone's offset at that time.
    func civil(_ time: Int64) -> CivilTime {
        switch self {
        case .fixed(let offset):
            return CivilTime(seconds: time &+ Int64(offset), offset: offset)
        case .system:
            var seconds = time_t(time)
            var parts = tm()
            guard localtime_r(&seconds, &parts) != nil else { return CivilTime(seconds: time, offset: 0) }
            return CivilTime(seconds: time &+ Int64(parts.tm_gmtoff), offset: parts.tm_gmtoff)
        }
    }

    /// Midnight that starts the day `time` is in.
    public func startOfDay(_ time: Int64) -> Int64 {
        let civil = civil(time)
        return midnight(year: civil.year, month: civil.month, day: civil.day) ?? time
    }

    /// Midnight at the start of a day; days and months beyond their range run over into the next. nil when it cannot be told.
    func midnight(year: Int64, month: Int, day: Int) -> Int64? {
        switch self {
        case .fixed(let offset):
            return CivilTime.daysFromEpoch(year: year, month: month, day: day) &* 86400 &- Int64(offset)
        case .system:
            var parts = tm()
            guard let years = Int32(exactly: year - 1900), let days = Int32(exactly: day) else { return nil }
            parts.tm_year = years
            parts.tm_mon = Int32(truncatingIfNeeded: month - 1)
            parts.tm_mday = days
            parts.tm_isdst = -1
            let time = mktime(&parts)
            return time == -1 ? nil : Int64(time)
        }
    }
}

/// A date and time of the Gregorian calendar.
struct CivilTime {
    let year: Int64
    /// 1...12
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    /// 0 is Sunday.
    let weekday: Int
    /// Seconds east of UTC.
    let offset: Int

    /// From seconds since 1970 that have the offset added already.
    init(seconds: Int64, offset: Int) {
        let days = seconds >= 0 ? seconds / 86400 : (seconds &- 86399) / 86400
        let rest = Int(seconds &- days &* 86400)
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        let week = Int((days &+ 4) % 7)
        weekday = week < 0 ? week + 7 : week
        self.offset = offset
        // Days since 1 March 0000, in eras of 400 years.
        let shifted = days &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = Int(shifted &- era &* 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = Int64(yearOfEra) &+ era &* 400 &+ (month <= 2 ? 1 : 0)
    }

    /// Days from 1 January 1970; `day` may lie outside of its month.
    static func daysFromEpoch(year: Int64, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year &- 1 : year
        let era = (shifted >= 0 ? shifted : shifted &- 399) / 400
        let yearOfEra = shifted &- era &* 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5)
        let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
        return era &* 146_097 &+ dayOfEra &- 719_468 &+ Int64(day) &- 1
    }
}
