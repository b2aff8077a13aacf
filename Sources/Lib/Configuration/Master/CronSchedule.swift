/// `minute hour day month weekday` as in crontab(5): numbers, `*`, lists, ranges and steps. Sunday is 0 or 7.
///
/// When both day and weekday are restricted, either may match.
public struct CronSchedule: Sendable, Equatable {
    private var minutes: UInt64
    private var hours: UInt64
    private var days: UInt64
    private var months: UInt64
    private var weekdays: UInt64
    private var anyDay: Bool
    private var anyWeekday: Bool

    /// nil when the text is not five such fields.
    public init?(_ text: String) {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 5, let minutes = Self.parse(fields[0], 0...59), let hours = Self.parse(fields[1], 0...23),
            let days = Self.parse(fields[2], 1...31), let months = Self.parse(fields[3], 1...12),
            let weekdays = Self.parse(fields[4], 0...7)
        else { return nil }
        self.minutes = minutes
        self.hours = hours
        self.days = days
        self.months = months
        self.weekdays = weekdays | (weekdays >> 7 & 1)
        anyDay = fields[2].hasPrefix("*")
        anyWeekday = fields[4].hasPrefix("*")
    }

    /// Whether the minute is one of the schedule's. `weekday` 0 is Sunday.
    public func matches(minute: Int, hour: Int, day: Int, month: Int, weekday: Int) -> Bool {
        guard has(minutes, minute), has(hours, hour) else { return false }
        return matchesDay(day: day, month: month, weekday: weekday)
    }

    /// Whether any minute of the day is one of the schedule's.
    public func matchesDay(day: Int, month: Int, weekday: Int) -> Bool {
        guard has(months, month) else { return false }
        if anyDay || anyWeekday { return has(days, day) && has(weekdays, weekday) }
        return has(days, day) || has(weekdays, weekday)
    }

    private func has(_ bits: UInt64, _ value: Int) -> Bool {
        (0..<64).contains(value) && bits >> UInt64(value) & 1 == 1
    }

    private static func parse(_ field: Substring, _ bounds: ClosedRange<Int>) -> UInt64? {
        var bits: UInt64 = 0
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
            guard pieces.count <= 2, let base = pieces.first else { return nil }
            let step = pieces.count == 2 ? Int(pieces[1]) : 1
            guard let step, step > 0 else { return nil }
            let range: ClosedRange<Int>
            if base == "*" {
                range = bounds
            } else {
                let ends = base.split(separator: "-", omittingEmptySubsequences: false)
                guard let first = ends.first.flatMap({ Int($0) }), bounds.contains(first) else { return nil }
                switch ends.count {
                case 1: range = first...(pieces.count == 2 ? bounds.upperBound : first)
                case 2:
                    guard let last = Int(ends[1]), bounds.contains(last), last >= first else { return nil }
                    range = first...last
                default: return nil
                }
            }
            for value in stride(from: range.lowerBound, through: range.upperBound, by: step) { bits |= 1 << UInt64(value) }
        }
        return bits
    }
}
