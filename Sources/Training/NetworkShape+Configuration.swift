import Configurations
import Networks
import Tensors

extension NetworkShape {
    /// The networks that a configuration describes, for a data set of `classCount` classes.
    ///
    /// Throws `TrainingError.schedule` for a choice that no network offers.
    public init(_ configuration: Configuration, classCount: Int) throws {
        let network = configuration.network
        self.init(classes: classCount, backbone: Backbone(network))
        outputStride = try Self.outputStride(network.outputStride)
        asppChannels = network.asppChannels
        lowLevelChannels = network.lowLevelChannels
        decoderChannels = network.decoderChannels
        dropoutKeep = Float(network.dropoutKeep)
        backboneEpsilon = Float(network.backboneEpsilon)
        headEpsilon = Float(network.headEpsilon)
        backboneDecay = network.backboneDecay
        headDecay = network.headDecay
        guard let head = HeadInitialisation(rawValue: network.headInitialisation.rawValue) else {
            throw TrainingError.schedule(
                "network.headInitialisation is \(network.headInitialisation.rawValue): choose "
                    + HeadInitialisation.allCases.map(\.rawValue).joined(separator: " or "))
        }
        headInitialisation = head
        guard let taps = UnreachableTaps(rawValue: network.unreachableTaps.rawValue) else {
            throw TrainingError.schedule(
                "network.unreachableTaps is \(network.unreachableTaps.rawValue): choose "
                    + UnreachableTaps.allCases.map(\.rawValue).joined(separator: " or "))
        }
        unreachableTaps = taps
        gateBias = Float(configuration.ancillary.gateBias)
        gateDeviation = Float(configuration.ancillary.gateDeviation)
        guard let resize = BoxResize(rawValue: configuration.ancillary.boxResize.rawValue) else {
            throw TrainingError.schedule(
                "ancillary.boxResize is \(configuration.ancillary.boxResize.rawValue): choose "
                    + BoxResize.allCases.map(\.rawValue).joined(separator: " or "))
        }
        boxResize = resize
        corrector.channels = configuration.corrector.channels
        corrector.finalActivation = configuration.corrector.finalReLU ? .relu : .none
        corrector.outputBias = Float(configuration.corrector.outputBias)
    }

    /// The output stride of a configured number.
    static func outputStride(_ number: Int) throws -> OutputStride {
        guard let stride = OutputStride(rawValue: number) else {
            throw TrainingError.schedule(
                "an output stride of \(number): choose "
                    + OutputStride.allCases.map { "\($0.rawValue)" }.joined(separator: " or "))
        }
        return stride
    }
}

extension Backbone {
    init(_ network: Configuration.Network) {
        switch network.backbone {
        case .mobilenetv2: self = .mobilenetv2(depthMultiplier: network.depthMultiplier)
        case .xception65: self = .xception65(depthMultiplier: network.depthMultiplier)
        case .tiny: self = .tiny
        }
    }
}
