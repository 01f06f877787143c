/// What a process knows of itself when it starts.
package struct ProcessIdentity: Hashable, Sendable {
    package let incarnation: Incarnation
    package let build: Build
    package let host: String
    package let processID: UInt32
    package let threadCount: Int

    package init(
        incarnation: Incarnation, build: Build, host: String, processID: UInt32, threadCount: Int
    ) {
        self.incarnation = incarnation
        self.build = build
        self.host = host
        self.processID = processID
        self.threadCount = threadCount
    }
}
