import Foundation
import Posix
import Testing

@Suite struct DescriptorTests {
    @Test func datagramsReachAnAbstractName() throws {
        let address = try #require(SocketAddress(abstract: "cyrus-swift-\(UUID().uuidString)"))
        let receiver = try Socket.listen(address, datagram: true)
        let sender = try Socket.datagram(bound: nil)
        try sender.send(Array("hello".utf8), to: address)
        #expect(try Poll.readable(receiver.descriptor, milliseconds: 20000))
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = Descriptor.read(receiver.descriptor, into: &buffer)
        #expect(buffer[..<max(0, count)].elementsEqual("hello".utf8))
        #expect(SocketAddress(abstract: String(repeating: "x", count: 200)) == nil)
    }

    @Test func aPipesEndsAreGivenAway() throws {
        let pipe = try Posix.Pipe()
        let (read, write) = pipe.release()
        let file = File(adopting: write)
        try file.write(Array("x".utf8))
        try Descriptor.setNonBlocking(read, true)
        var buffer = [UInt8](repeating: 0, count: 8)
        #expect(Descriptor.read(read, into: &buffer) == 1)
        #expect(Descriptor.read(read, into: &buffer) == -1)
        Descriptor.close(read)
    }

    @Test func signalsHaveNames() {
        #expect(Signal.name(of: 9) == "Killed")
        #expect(Signal.name(of: 15) == "Terminated")
    }
}
