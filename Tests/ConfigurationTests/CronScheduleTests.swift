import Configuration
import Testing

@Suite struct CronScheduleTests {
    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *", "5-3 * * * *",
        "*/0 * * * *", "1, * * * *", "1-2-3 * * * *", "-1 * * * *",
    ])
    func refuses(text: String) {
        #expect(CronSchedule(text) == nil)
    }

    @Test func fieldsAreListsRangesAndSteps() throws {
        let cron = try #require(CronSchedule("0,30-32,50/5 */6 * * *"))
        let minutes = (0..<60).filter { cron.matches(minute: $0, hour: 12, day: 1, month: 1, weekday: 3) }
        #expect(minutes == [0, 30, 31, 32, 50, 55])
        let hours = (0..<24).filter { cron.matches(minute: 0, hour: $0, day: 1, month: 1, weekday: 3) }
        #expect(hours == [0, 6, 12, 18])
    }

    @Test func dayAndWeekdayTogetherMeanEither() throws {
        let cron = try #require(CronSchedule("0 0 13 * 5"))
        #expect(cron.matchesDay(day: 13, month: 2, weekday: 1))
        #expect(cron.matchesDay(day: 14, month: 2, weekday: 5))
        #expect(!cron.matchesDay(day: 14, month: 2, weekday: 1))
        let sunday = try #require(CronSchedule("0 0 * * 7"))
        #expect(sunday.matchesDay(day: 1, month: 1, weekday: 0))
        #expect(!sunday.matchesDay(day: 1, month: 1, weekday: 1))
    }
}
