@testable import master
import Testing

@Suite struct ForkRateMeterTests {
    @Test func noMoreThanTheLimitPerSecondInTheLongRun() {
        for limit in [1, 3, 10, 100] {
            var meter = ForkRateMeter()
            var now = 0.0
            var forks = 0
            while now < 100 {
                while !meter.isLimited(to: limit, at: now) {
                    meter.noteFork(at: now)
                    forks += 1
                }
                now += 0.05
            }
            #expect(forks >= limit * 50, "limit \(limit): \(forks)")
            // The average halves each second: a burst after a pause is let through.
            #expect(forks <= limit * 160 + 10, "limit \(limit): \(forks)")
        }
    }

    @Test func theRateFallsWhenNothingForks() {
        var meter = ForkRateMeter()
        for i in 0..<10 { meter.noteFork(at: Double(i) / 10) }
        _ = meter.isLimited(to: 1, at: 1.5)
        let high = meter.rate
        _ = meter.isLimited(to: 1, at: 4.5)
        #expect(high > 1)
        #expect(meter.rate < high / 4)
        let isLimitedLater = meter.isLimited(to: 1, at: 20)
        #expect(!isLimitedLater)
    }

    @Test func noLimitIsNoLimit() {
        var meter = ForkRateMeter()
        for _ in 0..<1000 { meter.noteFork(at: 1) }
        let isLimited = meter.isLimited(to: 0, at: 1)
        #expect(!isLimited)
    }
}
