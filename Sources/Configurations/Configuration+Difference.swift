extension Configuration {
    /// A key whose values differ between two configurations, with both values as written in JSON.
    public struct Difference: Equatable, Sendable {
        /// With dots, as `optimizer.learningRate`.
        public let key: String
        /// The value of the configuration that was asked.
        public let own: String
        /// The value of the one that it was compared with.
        public let other: String
    }

    /// What differs from another configuration, in the order in which keys are shown.
    public func differences(from other: Configuration) -> [Difference] {
        ConfigurationField.all.compactMap { field in
            let (ours, theirs) = (field.read(self), field.read(other))
            guard ours != theirs else { return nil }
            return Difference(key: field.key, own: "\(ours)", other: "\(theirs)")
        }
    }
}
