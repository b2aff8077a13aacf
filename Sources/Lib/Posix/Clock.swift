import CPosix
import Glibc

/// The time of day and of the machine, and the local calendar.
public enum Clock {
    /// Seconds since 1970.
    public static var now: Int64 {
        var t = timespec()
        clock_gettime(CLOCK_REALTIME, &t)
        return Int64(t.tv_sec)
    }

    /// Nanoseconds since 1970.
    public static var nowNanoseconds: Int64 {
        var t = timespec()
        clock_gettime(CLOCK_REALTIME, &t)
        return Int64(t.tv_sec) * 1_000_000_000 + Int64(t.tv_nsec)
    }

    /// Seconds since some moment, never going backwards.
    public static var monotonic: Double {
        var t = timespec()
        clock_gettime(CLOCK_MONOTONIC, &t)
        return Double(t.tv_sec) + Double(t.tv_nsec) / 1e9
    }

    /// A moment in the local time zone.
    public struct Local: Sendable, Equatable {
        public let year: Int
        /// 1...12
        public let month: Int
        public let day: Int
        public let hour: Int
        public let minute: Int
        public let second: Int
        /// 0 is Sunday.
        public let weekday: Int
        /// Seconds east of UTC.
        public let offset: Int

        public init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, weekday: Int, offset: Int) {
            self.year = year
            self.month = month
            self.day = day
            self.hour = hour
            self.minute = minute
            self.second = second
            self.weekday = weekday
            self.offset = offset
        }
    }

    public static func local(_ time: Int64) -> Local {
        var raw = tm()
        var t = time_t(time)
        localtime_r(&t, &raw)
        return Local(
            year: Int(raw.tm_year) + 1900, month: Int(raw.tm_mon) + 1, day: Int(raw.tm_mday), hour: Int(raw.tm_hour),
            minute: Int(raw.tm_min), second: Int(raw.tm_sec), weekday: Int(raw.tm_wday), offset: Int(raw.tm_gmtoff))
    }

    /// The moment of a local calendar time (DST decided by the system).
    public static func time(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) -> Int64 {
        var raw = tm()
        raw.tm_year = CInt(year - 1900)
        raw.tm_mon = CInt(month - 1)
        raw.tm_mday = CInt(day)
        raw.tm_hour = CInt(hour)
        raw.tm_min = CInt(minute)
        raw.tm_sec = CInt(second)
        raw.tm_isdst = -1
        return Int64(mktime(&raw))
    }

    /// Pauses; a signal that is caught ends the pause early.
    public static func sleep(milliseconds: Int) {
        usleep(UInt32(clamping: milliseconds * 1000))
    }
}
