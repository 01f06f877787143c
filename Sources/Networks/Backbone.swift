import Tensors

/// The network that turns an image into feature maps.
public enum Backbone: Hashable, Sendable {
    /// MobileNetV2 (Sandler et al., CVPR 2018) up to its 320-channel layer; the multiplier scales channels.
    case mobilenetv2(depthMultiplier: Double = 1)
    /// The aligned Xception-65 (Chen et al., ECCV 2018), the paper's; the multiplier scales channels.
    case xception65(depthMultiplier: Double = 1)
    /// A few inverted residual blocks of 16–48 channels, for tests and demonstrations.
    case tiny

    /// Whether a tensor of DeepLabv3+ belongs to its backbone, by its name: torchvision's for
    /// MobileNetV2, timm's for Xception.
    public static func owns(_ tensor: ParameterDeclaration) -> Bool {
        ["features.", "stem.", "blocks."].contains { tensor.name.hasPrefix($0) }
    }

    /// How its batch norms' moving averages decay in the original.
    public var decay: Double {
        switch self {
        case .mobilenetv2, .tiny: 0.997
        case .xception65: 0.9997
        }
    }

    package var architecture: any BackboneArchitecture {
        switch self {
        case .mobilenetv2(let multiplier): InvertedResiduals.mobilenetv2(multiplier)
        case .xception65(let multiplier): Xception.xception65(multiplier)
        case .tiny: InvertedResiduals.tiny
        }
    }
}

/// The two feature maps that DeepLabv3+ takes from a backbone.
package struct BackboneFeatures {
    /// At stride 4, for the decoder.
    package let lowLevel: Value
    /// At the output stride, for the pyramid.
    package let high: Value
}

/// What a backbone must be able to do, and all the rest of a network knows of it.
package protocol BackboneArchitecture: Sendable {
    /// Adds the backbone to `layers`; `image` is `[batch, height, width, 3]` in −1…1.
    func build(
        _ image: Value, outputStride: OutputStride, in layers: inout LayerBuilder
    ) -> BackboneFeatures
}
