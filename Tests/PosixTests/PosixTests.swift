import Bytes
import class Foundation.FileManager
import struct Foundation.UUID
import Posix
import Testing

/// A folder of the test's own, removed with it.
final class TemporaryFolder {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.path + "/posix-" + UUID().uuidString
        try? FileSystem.makeDirectories(path)
    }

    deinit {
        try? FileSystem.removeTree(path)
    }
}

@Suite struct FileTests {
    let folder = TemporaryFolder()

    @Test func whatIsWrittenIsReadBack() throws {
        let file = try File(folder.path + "/a", .readWrite, create: .exclusive)
        try file.write([UInt8]("hello world"))
        try file.write([UInt8]("HELLO"), at: 0)
        try file.sync()
        let all = try file.readAll().text
        let tail = try file.read(100, at: 6).text
        #expect(all == "HELLO world" && tail == "world")
    }

    @Test func aMissingFileIsAnErrorThatNamesIt() {
        #expect {
            _ = try File("/nonexistent/x", .read)
        } throws: { error in
            let posix = error as? PosixError
            return posix?.isMissing == true && "\(error)" == "open /nonexistent/x: No such file or directory"
        }
    }

    @Test func aMapFollowsTheGrowingFile() throws {
        let file = try File(folder.path + "/m", .readWrite, create: .exclusive)
        var map = try FileMap(file)
        let empty = map.bytes.byteCount
        #expect(empty == 0)
        try file.write([UInt8](repeating: 7, count: 10))
        try map.refresh(file)
        let tenth = map.bytes[9]
        #expect(tenth == 7)
        try file.write([UInt8](repeating: 8, count: 300_000), at: 10)
        try map.refresh(file)
        let last = map.bytes[300_009]
        let size = map.bytes.byteCount
        #expect(last == 8 && size == 300_010)
    }

    @Test func aLockOfAnotherProcessIsSeenAndNamed() throws {
        let path = folder.path + "/lock"
        let file = try File(path, .readWrite, create: .exclusive)
        let ready = try Pipe()
        let script = "import fcntl,sys,os; f=open(sys.argv[1],'r+'); fcntl.lockf(f,fcntl.LOCK_EX); os.write(1,b'x'); sys.stdin.read()"
        let hold = try Pipe()
        var command = Process.Command("/usr/bin/env", ["env", "python3", "-c", script, path])
        command.descriptors = [(hold.read.descriptor, 0), (ready.write.descriptor, 1)]
        let pid = try Process.spawn(command)
        var byte: [UInt8] = [0]
        let got = try byte.withUnsafeMutableBytes { try ready.read.read(into: $0) }
        #expect(got == 1)
        let taken = try file.tryLock(.shared)
        let holder = file.lockHolder(.exclusive)
        #expect(!taken && holder == pid)
        do throws(PosixError) {
            try file.lock(.exclusive, within: 0.01)
            Issue.record("the lock is held by another process")
        } catch {
            #expect("\(error)".contains("held by process \(pid)"))
        }
        try Signal.terminate.send(to: pid)
        #expect(try Process.wait(for: pid) == .signaled(15, core: false))
        let free = try file.tryLock(.exclusive)
        #expect(free)
    }

    @Test func directoriesAreMadeListedAndRemoved() throws {
        try FileSystem.makeDirectories(folder.path + "/x/y/z")
        #expect(try FileSystem.list(folder.path + "/x") == ["y"])
        #expect(try FileSystem.makeDirectory(folder.path + "/x") == false)
        try FileSystem.removeTree(folder.path + "/x")
        #expect(FileSystem.exists(folder.path + "/x") == false)
        #expect(try FileSystem.unlink(folder.path + "/gone") == false)
    }
}

@Suite struct ProcessTests {
    @Test func aProgramThatIsNotThereIsAnErrorOfSpawn() {
        #expect(throws: PosixError.self) { try Process.spawn(.init("/nonexistent/program", ["program"])) }
    }

    @Test func aChildGetsItsDescriptorsAndEnvironment() throws {
        let out = try Pipe()
        var command = Process.Command("/bin/sh", ["sh", "-c", "echo $GREETING >&3"])
        command.environment = ["GREETING=hello"]
        command.descriptors = [(out.write.descriptor, 3)]
        let pid = try Process.spawn(command)
        #expect(try Process.wait(for: pid) == .exited(0))
        let isReady = try Poll.readable(out.read.descriptor, milliseconds: 1000)
        #expect(isReady)
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = try bytes.withUnsafeMutableBytes { try out.read.read(into: $0) }
        #expect(Array(bytes[..<count]).text == "hello\n")
    }
}

@Suite struct SocketTests {
    let folder = TemporaryFolder()

    @Test func aStaleSocketFileIsReplacedAndConnectedTo() throws {
        let address = try #require(SocketAddress(unix: folder.path + "/s"))
        do { _ = try Socket.listen(address) }
        let listener = try Socket.listen(address)
        let client = try Socket.connect(address, within: 5)
        guard try Socket.accept(listener.descriptor) != nil else {
            Issue.record("no connection to accept")
            return
        }
        let user = Socket.peerUser(client.descriptor)
        #expect(user == Process.effectiveUser)
    }

    @Test func addressesPrintAsPeopleWriteThem() throws {
        let found = try SocketAddress.resolve(host: "127.0.0.1", port: "0").get()
        let listener = try Socket.listen(try #require(found.first))
        let local = try #require(Socket.local(listener.descriptor))
        #expect(local.host == "127.0.0.1" && local.port != 0)
        #expect(local.description == "127.0.0.1:\(local.port ?? 0)")
        #expect(SocketAddress(unix: String(repeating: "x", count: 200)) == nil)
    }
}
