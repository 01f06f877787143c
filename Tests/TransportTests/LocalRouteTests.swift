import Foundation
import Testing
import TrainingProtocol
import Transport

@Suite("Processes of one host talk over Unix sockets", .timeLimit(.minutes(2)))
struct LocalRouteTests {
    /// Connections that the kernel lists under the listener's Unix-domain address.
    private func connections(of endpoint: Endpoint) throws -> Int {
        // To its end: a file of the kernel says that it is empty.
        let file = try #require(FileHandle(forReadingAtPath: "/proc/net/unix"))
        let table = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        return table.split(separator: "\n").count { line in
            let fields = line.split(separator: " ")
            return fields.last == "@emend-\(endpoint.host):\(endpoint.port)" && fields[5] == "03"
        }
    }

    private func count(to endpoint: Endpoint) throws -> LoopUnderTest {
        // It never ends by itself.
        let caller = try makeCaller(to: endpoint, last: .max)
        #expect(caller.wait { $0.events.count > 10 })
        return caller
    }

    @Test func aLinkToALoopbackListenerIsAUnixSocket() throws {
        let echo = try makeEcho()
        let endpoint = try #require(echo.endpoint)
        let caller = try count(to: endpoint)
        // The look whether somebody listens may still be seen beside it.
        #expect(try connections(of: endpoint) >= 1)
        caller.controls.requestStop()
        #expect(caller.waitForEnd())
        echo.controls.requestStop()
        #expect(echo.waitForEnd())
    }

    /// As where the port is one end of a tunnel to another machine.
    @Test func aLinkFallsBackToTCPWhereNobodyListensOnTheUnixSocket() throws {
        var limits = TransportLimits.fast
        limits.localRoute = .tcp
        let echo = try makeEcho(limits: limits)
        let endpoint = try #require(echo.endpoint)
        let caller = try count(to: endpoint)
        #expect(try connections(of: endpoint) == 0)
        caller.controls.requestStop()
        #expect(caller.waitForEnd())
        echo.controls.requestStop()
        #expect(echo.waitForEnd())
    }

    @Test func aLinkReachesASuccessorOnTheSamePort() throws {
        var limits = TransportLimits.fast
        limits.localRoute = .tcp
        let first = try makeEcho(limits: limits)
        let endpoint = try #require(first.endpoint)
        let caller = try count(to: endpoint)
        first.controls.requestStop()
        #expect(first.waitForEnd())
        let second = try makeSuccessor(on: endpoint)
        let before = caller.seen.events.count
        #expect(caller.wait { $0.events.count > before + 10 })
        caller.controls.requestStop()
        #expect(caller.waitForEnd())
        second.controls.requestStop()
        #expect(second.waitForEnd())
    }
}
