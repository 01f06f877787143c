import Foundation
import TrainingProtocol

/// Which build of Emend this is; processes of different builds do not train together.
public enum BuildIdentity {
    /// The version and the protocol, as shown to people.
    public static var text: String { "0.1.0 (protocol \(Header.currentProtocolVersion))" }

    /// As compared at the greeting.
    static var build: Build { Build("emend 0.1.0") }
}
