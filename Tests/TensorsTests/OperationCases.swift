import Tensors

extension OperationCase {
    /// Small enough for central differences along every coordinate.
    static let small: [OperationCase] =
        convolutions + depthwise + norms + elementwise + resampling

    /// Large enough to be cut into several tiles of uneven length.
    static let large: [OperationCase] = [
        OperationCase("pointwise, many tiles", .linear, terms: 3870, [shape(2, 43, 45, 17)]) {
            $0.convolve($1[0], to: 33, biased: true)
        },
        OperationCase("3×3, many tiles", .linear, terms: 3696, [shape(3, 37, 33, 6)]) {
            $0.convolve($1[0], to: 7, size: 3, dilation: 2, biased: true)
        },
        OperationCase("3×3 stride 2, many tiles", .linear, terms: 3696, [shape(3, 66, 41, 5)]) {
            $0.convolve($1[0], to: 9, size: 3, stride: 2)
        },
        OperationCase("depthwise, many tiles", .linear, terms: 4000, [shape(3, 37, 33, 35)]) {
            $0.depthwise($1[0], dilation: 3)
        },
        // The bands of a tile, between norms that are left to it: each keeps rows of the band before.
        OperationCase("depthwise, many bands", .smooth, terms: 6000, [shape(2, 11, 65, 280)]) {
            $0.norm($0.depthwise($0.norm($1[0], .none)), .none)
        },
        OperationCase(
            "depthwise dilation 2, many bands", .smooth, terms: 6000, [shape(2, 13, 65, 280)]
        ) {
            $0.norm($0.depthwise($0.norm($1[0], .none), dilation: 2), .none)
        },
        OperationCase(
            "depthwise stride 2, many bands", .smooth, terms: 6000, [shape(2, 22, 67, 300)]
        ) {
            $0.norm($0.depthwise($0.norm($1[0], .none), stride: 2), .none)
        },
        OperationCase("batch norm, many tiles", .smooth, terms: 6000, [shape(4, 41, 37, 19)]) {
            $0.norm($1[0], .relu6)
        },
        OperationCase("area, box masks to stride 4", .linear, terms: 25, [shape(2, 65, 49, 3)]) {
            $0.resizeArea($1[0], height: 17, width: 13)
        },
    ]

    private static let convolutions: [OperationCase] = [
        OperationCase("pointwise", .linear, terms: 24, [shape(2, 3, 4, 5)]) {
            $0.convolve($1[0], to: 3, biased: true)
        },
        OperationCase("pointwise, one row", .linear, terms: 5, [shape(1, 1, 1, 5)]) {
            $0.convolve($1[0], to: 3)
        },
        OperationCase("pointwise stride 2", .linear, terms: 18, [shape(2, 5, 4, 3)]) {
            $0.convolve($1[0], to: 4, stride: 2)
        },
        OperationCase("3×3", .linear, terms: 40, [shape(2, 4, 5, 2)]) {
            $0.convolve($1[0], to: 3, size: 3, biased: true)
        },
        OperationCase("3×3 stride 2, odd", .linear, terms: 24, [shape(2, 5, 7, 2)]) {
            $0.convolve($1[0], to: 3, size: 3, stride: 2)
        },
        OperationCase("3×3 stride 2, even", .linear, terms: 18, [shape(1, 6, 4, 2)]) {
            $0.convolve($1[0], to: 2, size: 3, stride: 2)
        },
        OperationCase("3×3 dilated beyond the grid", .linear, terms: 35, [shape(1, 5, 7, 2)]) {
            $0.convolve($1[0], to: 2, size: 3, dilation: 6)
        },
        OperationCase("5×5 dilation 2", .linear, terms: 50, [shape(1, 7, 6, 2)]) {
            $0.convolve($1[0], to: 2, size: 5, dilation: 2)
        },
    ]

    private static let depthwise: [OperationCase] = [
        OperationCase("depthwise", .linear, terms: 40, [shape(2, 4, 5, 3)]) { $0.depthwise($1[0]) },
        OperationCase("depthwise stride 2", .linear, terms: 24, [shape(2, 5, 6, 3)]) {
            $0.depthwise($1[0], stride: 2)
        },
        OperationCase("depthwise dilation 2", .linear, terms: 42, [shape(1, 6, 7, 2)]) {
            $0.depthwise($1[0], dilation: 2)
        },
        OperationCase("depthwise 5×5 stride 2", .linear, terms: 25, [shape(1, 7, 9, 2)]) {
            $0.depthwise($1[0], size: 5, stride: 2)
        },
    ]

    private static let norms: [OperationCase] = [
        OperationCase("batch norm", .smooth, terms: 24, [shape(2, 3, 4, 3)]) {
            $0.norm($1[0], .none)
        },
        OperationCase("batch norm and ReLU", .smooth, terms: 24, [shape(2, 3, 4, 3)]) {
            $0.norm($1[0], .relu)
        },
        OperationCase("batch norm and ReLU6", .smooth, terms: 24, [shape(2, 3, 4, 3)]) {
            $0.norm($1[0], .relu6)
        },
        OperationCase("batch norm of two rows", .smooth, terms: 2, [shape(2, 1, 1, 3)]) {
            $0.norm($1[0], .none)
        },
        OperationCase("batch norm of one row", .smooth, terms: 1, [shape(1, 1, 1, 5)]) {
            $0.norm($1[0], .relu)
        },
    ]

    private static let elementwise: [OperationCase] = [
        OperationCase("ReLU", .linear, terms: 1, [shape(1, 3, 4, 2)]) {
            $0.activation($1[0], .relu)
        },
        OperationCase("ReLU6", .linear, terms: 1, [shape(1, 3, 4, 2)]) {
            $0.activation($1[0], .relu6)
        },
        OperationCase("sum", .linear, terms: 2, [shape(1, 3, 2, 2), shape(1, 3, 2, 2)]) {
            $0.add($1[0], $1[1])
        },
        OperationCase("sum with itself", .linear, terms: 2, [shape(1, 3, 2, 2)]) {
            $0.add($1[0], $1[0])
        },
        OperationCase(
            "concatenation", .linear, terms: 1,
            [shape(2, 3, 2, 3), shape(2, 3, 2, 1), shape(2, 3, 2, 4)]
        ) { $0.concatenate($1) },
        OperationCase(
            "concatenation of what is left to it", .smooth, terms: 48,
            [shape(2, 3, 4, 3), shape(2, 2, 3, 2), shape(2, 6, 8, 2), shape(2, 3, 4, 1)]
        ) {
            $0.concatenate([
                $0.norm($1[0], .none), $0.resizeBilinear($1[1], height: 3, width: 4),
                $0.resizeArea($1[2], height: 3, width: 4), $1[3],
            ])
        },
        OperationCase("concatenation with itself", .linear, terms: 2, [shape(2, 3, 2, 3)]) {
            $0.concatenate([$1[0], $1[0]])
        },
        OperationCase("sigmoid gate", .smooth, terms: 1, [shape(1, 3, 2, 3), shape(1, 3, 2, 3)]) {
            $0.sigmoidGate(features: $1[0], gate: $1[1])
        },
        OperationCase("dropout", .linear, terms: 1, [shape(2, 4, 5, 3)]) {
            $0.dropout($1[0], keep: 0.7)
        },
        OperationCase("dropout that keeps all", .linear, terms: 1, [shape(2, 4, 5, 3)]) {
            $0.dropout($1[0], keep: 1)
        },
    ]

    private static let resampling: [OperationCase] = [
        OperationCase("global average", .linear, terms: 20, [shape(2, 4, 5, 3)]) {
            $0.globalAveragePool($1[0])
        },
        OperationCase("bilinear up", .linear, terms: 16, [shape(2, 3, 4, 2)]) {
            $0.resizeBilinear($1[0], height: 9, width: 7)
        },
        OperationCase("bilinear down", .linear, terms: 4, [shape(1, 7, 9, 2)]) {
            $0.resizeBilinear($1[0], height: 3, width: 4)
        },
        OperationCase("bilinear from one", .linear, terms: 20, [shape(2, 1, 1, 3)]) {
            $0.resizeBilinear($1[0], height: 4, width: 5)
        },
        OperationCase("bilinear to one", .linear, terms: 4, [shape(1, 3, 4, 2)]) {
            $0.resizeBilinear($1[0], height: 1, width: 1)
        },
        OperationCase("nearest up", .linear, terms: 6, [shape(2, 3, 4, 2)]) {
            $0.resizeNearest($1[0], height: 5, width: 7)
        },
        OperationCase("nearest down", .linear, terms: 1, [shape(1, 9, 7, 2)]) {
            $0.resizeNearest($1[0], height: 4, width: 1)
        },
        OperationCase("area down", .linear, terms: 12, [shape(2, 9, 7, 2)]) {
            $0.resizeArea($1[0], height: 4, width: 3)
        },
        OperationCase("area up", .linear, terms: 6, [shape(1, 3, 2, 2)]) {
            $0.resizeArea($1[0], height: 5, width: 4)
        },
    ]
}
