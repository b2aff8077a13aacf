import Configuration
import Posix
@testable import master
import Testing

@Suite struct EventScheduleTests {
    /// UTC, with the clocks an hour ahead from one moment to another.
    static func calendar(summerFrom: Int64 = .max, to summerTo: Int64 = .max) -> LocalCalendar {
        @Sendable func offset(_ t: Int64) -> Int64 { t >= summerFrom && t < summerTo ? 3600 : 0 }
        @Sendable func civil(_ days: Int64) -> (Int, Int, Int) {
            // Days since 1970 to year, month, day, by era of 400 years.
            let z = days + 719_468
            let era = (z >= 0 ? z : z - 146_096) / 146_097
            let dayOfEra = z - era * 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let m = (5 * dayOfYear + 2) / 153
            let month = m < 10 ? m + 3 : m - 9
            return (Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int(month), Int(dayOfYear - (153 * m + 2) / 5 + 1))
        }
        @Sendable func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
            let y = Int64(month <= 2 ? year - 1 : year)
            let era = (y >= 0 ? y : y - 399) / 400
            let yearOfEra = y - era * 400
            let dayOfYear = (153 * Int64(month > 2 ? month - 3 : month + 9) + 2) / 5 + Int64(day) - 1
            return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        }
        return LocalCalendar(
            local: { t in
                let local = t + offset(t)
                let (year, month, day) = civil(local / 86400)
                let second = Int(local % 86400)
                return Clock.Local(
                    year: year, month: month, day: day, hour: second / 3600, minute: second / 60 % 60, second: second % 60,
                    weekday: Int((local / 86400 + 4) % 7), offset: Int(offset(t)))
            },
            time: { year, month, day, hour, minute in
                let wall = days(year, month, 1) * 86400 + Int64((day - 1) * 86400 + hour * 3600 + minute * 60)
                // As mktime: summer time when the result is in it.
                return offset(wall - 3600) > 0 ? wall - 3600 : wall
            })
    }

    static func event(_ schedule: EventEntry.Schedule) throws -> EventEntry {
        var entry = try #require(try MasterConfiguration.parse(Array("EVENTS {\n e cmd=x\n}".utf8), file: "c").events.first)
        entry.schedule = schedule
        return entry
    }

    /// The moments an event runs at between two moments.
    static func runs(_ schedule: EventEntry.Schedule, from start: Int64, to end: Int64, _ calendar: LocalCalendar) throws -> [Int64] {
        var schedule = EventSchedule([try event(schedule)], at: start, calendar: calendar)
        var moments: [Int64] = []
        while let next = schedule.next, next < end, moments.count < 10000 {
            moments.append(next)
            let due = schedule.takeDue(at: next)
            let again = schedule.takeDue(at: next)
            #expect(due.count == 1 && again.isEmpty)
        }
        return moments
    }

    // 2026-03-01 00:00 UTC
    static let march: Int64 = 1_772_323_200

    @Test func onceRunsAtTheStartOnly() throws {
        #expect(try Self.runs(.once, from: Self.march, to: Self.march + 900_000, Self.calendar()) == [Self.march])
    }

    @Test func aPeriodRunsAtTheStartAndThenEvenly() throws {
        let moments = try Self.runs(.every(minutes: 30), from: Self.march + 7, to: Self.march + 7200, Self.calendar())
        let expected: [Int64] = [0, 1800, 3600, 5400]
        #expect(moments.map { $0 - Self.march - 7 } == expected)
    }

    @Test func missedPeriodsAreNotMadeUpFor() throws {
        var schedule = EventSchedule([try Self.event(.every(minutes: 1))], at: 1000, calendar: Self.calendar())
        let first = schedule.takeDue(at: 1000)
        let second = schedule.takeDue(at: 1635)
        #expect(first.count == 1 && second.count == 1)
        #expect(schedule.next == 1660)
    }

    @Test func dailyRunsOnceADayAlsoWhenTheClocksChange() throws {
        let forward = Self.march + 10 * 86400 + 2 * 3600
        let back = Self.march + 20 * 86400 + 2 * 3600
        let calendar = Self.calendar(summerFrom: forward, to: back)
        for (hour, minute) in [(4, 1), (2, 30), (1, 30), (3, 0), (0, 0), (23, 59)] {
            let moments = try Self.runs(.daily(hour: hour, minute: minute), from: Self.march, to: Self.march + 30 * 86400, calendar)
            #expect(moments.count >= 29 && moments.count <= 30, "\(hour):\(minute) ran \(moments.count) times")
            for (a, b) in zip(moments, moments.dropFirst()) {
                #expect(b - a >= 22 * 3600 && b - a <= 26 * 3600, "\(hour):\(minute) after \(b - a)")
            }
            for moment in moments where moment < forward - 86400 || moment > back + 86400 {
                let local = calendar.local(moment)
                #expect((local.hour, local.minute) == (hour, minute))
            }
        }
    }

    @Test func cronRunsAtItsMinutes() throws {
        let cron = try #require(CronSchedule("15,45 3 * * *"))
        let moments = try Self.runs(.cron(cron), from: Self.march + 3 * 3600 + 900, to: Self.march + 2 * 86400, Self.calendar())
        let expected: [Int64] = [13_500, 98_100, 99_900]
        #expect(moments.map { $0 - Self.march } == expected)
    }

    @Test func cronDoesNotRunTwiceWhenTheClocksGoBack() throws {
        let back = Self.march + 86400 + 2 * 3600
        let calendar = Self.calendar(summerFrom: 0, to: back)
        let cron = try #require(CronSchedule("30 2 * * *"))
        let moments = try Self.runs(.cron(cron), from: Self.march, to: Self.march + 3 * 86400, calendar)
        #expect(moments.count == 3)
        #expect(Set(moments.map { calendar.local($0).day }).count == 3)
    }

    @Test func cronThatNeverMatchesIsNeverDue() throws {
        let cron = try #require(CronSchedule("0 0 31 2 *"))
        #expect(EventSchedule([try Self.event(.cron(cron))], at: Self.march, calendar: Self.calendar()).next == nil)
        let leap = try #require(CronSchedule("0 0 29 2 *"))
        #expect(try Self.runs(.cron(leap), from: Self.march, to: Self.march + 3 * 366 * 86400, Self.calendar()).count == 1)
    }
}
