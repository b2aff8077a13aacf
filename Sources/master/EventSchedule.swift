import Configuration
import Posix

/// The local calendar, so that tests bring their own.
struct LocalCalendar: Sendable {
    var local: @Sendable (Int64) -> Clock.Local
    /// The moment of a local time of day; days beyond a month's end run on.
    var time: @Sendable (_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int) -> Int64

    static let system = LocalCalendar(
        local: { Clock.local($0) },
        time: { Clock.time(year: $0, month: $1, day: $2, hour: $3, minute: $4, second: 0) })
}

/// When the EVENTS run. Pure: moments in seconds since 1970 come from the caller.
///
/// A time of day that a change of the clocks skips runs at the moment the system makes of it; one that comes twice runs once.
struct EventSchedule: Sendable {
    struct Item: Sendable, Equatable {
        var event: EventEntry
        /// nil: never again.
        var due: Int64?
    }

    private(set) var items: [Item]
    private let calendar: LocalCalendar

    /// All periodic events and those without a time are due at once.
    init(_ events: [EventEntry], at now: Int64, calendar: LocalCalendar = .system) {
        self.calendar = calendar
        items = []
        for event in events {
            switch event.schedule {
            case .once, .every: items.append(Item(event: event, due: now))
            case .daily, .cron: items.append(Item(event: event, due: next(event.schedule, after: now, ran: nil)))
            }
        }
    }

    /// The next moment anything is due.
    var next: Int64? { items.compactMap(\.due).min() }

    /// Takes what is due, and schedules it again.
    mutating func takeDue(at now: Int64) -> [EventEntry] {
        var events: [EventEntry] = []
        for index in items.indices {
            guard let due = items[index].due, due <= now else { continue }
            events.append(items[index].event)
            items[index].due = next(items[index].event.schedule, after: now, ran: due)
        }
        return events
    }

    private func next(_ schedule: EventEntry.Schedule, after now: Int64, ran due: Int64?) -> Int64? {
        switch schedule {
        case .once: return nil
        case .every(let minutes):
            // From the last due time, so that a late run does not shift the rest; missed runs are not made up for.
            let period = Int64(minutes) * 60
            guard let due else { return now }
            return due + period * ((now - due) / period + 1)
        case .daily(let hour, let minute): return nextDaily(hour, minute, after: now, ran: due)
        case .cron(let cron): return nextCron(cron, after: now, ran: due)
        }
    }

    private func nextDaily(_ hour: Int, _ minute: Int, after now: Int64, ran due: Int64?) -> Int64? {
        let today = calendar.local(now)
        let ranOn = due.map { calendar.local($0) }
        for offset in 0...2 {
            let candidate = calendar.time(today.year, today.month, today.day + offset, hour, minute)
            guard candidate > now else { continue }
            let day = calendar.local(candidate)
            // The clocks went back over the time of day: the second one is not another day's.
            if let ranOn, ranOn.year == day.year, ranOn.month == day.month, ranOn.day == day.day { continue }
            return candidate
        }
        return nil
    }

    /// Day by day (a year and a leap day ahead at most eight years), then minute by minute within the first day that matches.
    private func nextCron(_ cron: CronSchedule, after now: Int64, ran due: Int64?) -> Int64? {
        let today = calendar.local(now)
        for offset in 0...(8 * 366) {
            let start = offset == 0 ? now - now % 60 + 60 : calendar.time(today.year, today.month, today.day + offset, 0, 0)
            let end = calendar.time(today.year, today.month, today.day + offset + 1, 0, 0)
            let day = calendar.local(max(start, end - 1))
            guard end > start, cron.matchesDay(day: day.day, month: day.month, weekday: day.weekday) else { continue }
            var last: (hour: Int, minute: Int)?
            if let due {
                let ran = calendar.local(due)
                if (ran.year, ran.month, ran.day) == (day.year, day.month, day.day) { last = (ran.hour, ran.minute) }
            }
            if let found = minute(of: cron, from: start, to: end, after: last) { return found }
        }
        return nil
    }

    private func minute(of cron: CronSchedule, from start: Int64, to end: Int64, after last: (hour: Int, minute: Int)?) -> Int64? {
        var moment = start
        while moment < end {
            let local = calendar.local(moment)
            let isRepeated = last.map { (local.hour, local.minute) <= $0 } ?? false
            if !isRepeated,
                cron.matches(minute: local.minute, hour: local.hour, day: local.day, month: local.month, weekday: local.weekday)
            {
                return moment
            }
            moment += 60
        }
        return nil
    }
}
