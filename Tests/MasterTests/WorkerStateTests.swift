@testable import master
import Testing

@Suite struct WorkerStateTests {
    @Test(arguments: [
        (WorkerState.ready, ServiceMessage.available, WorkerState.ready, false, true),
        (.ready, .unavailable, .busy, false, false),
        (.ready, .connection, .busy, true, true),
        (.ready, .connectionMulti, .ready, true, false),
        (.busy, .available, .ready, false, false),
        (.busy, .unavailable, .busy, false, true),
        (.busy, .connection, .busy, true, false),
        (.busy, .connectionMulti, .ready, true, true),
    ])
    func everyMessageInEveryState(from: WorkerState, message: ServiceMessage, to: WorkerState, counts: Bool, isOutOfPlace: Bool) {
        let after = from.after(message)
        #expect(after.state == to)
        #expect(after.countsConnection == counts)
        #expect(after.isOutOfPlace == isOutOfPlace)
    }

    @Test func messagesAreTwoNativeInts() {
        #expect(ServiceMessage.decode([3, 0, 0, 0, 0x39, 0x30, 0, 0]).message == .connection)
        #expect(ServiceMessage.decode([3, 0, 0, 0, 0x39, 0x30, 0, 0]).pid == 12345)
        #expect(ServiceMessage.decode([9, 0, 0, 0, 1, 0, 0, 0]).message == nil)
    }
}
