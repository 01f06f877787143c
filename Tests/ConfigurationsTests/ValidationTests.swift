import Configurations
import Testing

@Suite struct ValidationTests {
    @Test(arguments: [
        (["slots.count=0"], "slots.count: expected 1 to 65536, found 0"),
        (["slots.labelled=5"], "slots.labelled: expected 1 to slots.batch = 4, found 5"),
        (["slots.batch=1"], "needs labelled and weak images in each slot"),
        (["data.crop=320"], "16k+1 from 17 to 8193, found 320; the nearest is 321"),
        (["data.crop=\(Int.max)"], "the nearest is 8193"),
        (["data.crop=\(Int.min)"], "the nearest is 17"),
        (["network.outputStride=32"], "network.outputStride: expected 8 or 16, found 32"),
        (["evaluate.outputStride=4"], "evaluate.outputStride: expected 8 or 16, found 4"),
        (["network.dropoutKeep=0"], "network.dropoutKeep: expected more than 0.0"),
        (["optimizer.momentum=1"], "optimizer.momentum: expected at least 0.0 and less than 1.0"),
        (["optimizer.learningRate=0"], "optimizer.learningRate: expected more than 0.0"),
        (["phases.main.learningRate=-1"], "phases.main.learningRate: expected more than 0.0"),
        (["phases.main.steps=0", "method=supervised"], "phases.main.steps: expected 1 to"),
        (["phases.ancillary.steps=0"], "needs an ancillary model"),
        (["method=convolutional", "phases.warmup.steps=0"], "trains its corrector there"),
        (["gradients.cap=0"], "gradients.cap: expected more than"),
        (["gradients.cap=1e300"], "and at most 1e+38, found 1e+300"),
        (["alpha.to=0"], "alpha.to: expected more than 0.0"),
        (["data.scales=[]"], "data.scales: expected at least one scale"),
        (["data.scales=[0]"], "data.scales: expected at least 0.1"),
        (["data.boxes=coco:"], "expected xml, masks or coco:FILE, found \"coco:\""),
        (["data.supervised=60", "data.weak=weak"], "set only one of them"),
        (["data.supervised=0"], "data.supervised: expected 1 to"),
        (["checkpoint.keep=0"], "checkpoint.keep: expected 1 to"),
        (["evaluate.every=-1"], "evaluate.every: expected 0 or more, found -1"),
        (["protocol.chunkMebibytes=0"], "protocol.chunkMebibytes: expected 1 to 16"),
        (
            ["precision=bf16", "engine.gemm=openblas"],
            "precision: bf16 needs engine.gemm native, found openblas"
        ),
        (["precision=fp16"], "expected one of float32, bf16, bf16-amx"),
    ])
    func `A value out of range says which, and what would do`(
        overrides: [String], message: String
    ) throws {
        let error = try #require(throws: ConfigurationError.self) {
            try ResolvedConfiguration(file: nil, overrides: overrides)
        }
        #expect(error.problems.count == 1)
        #expect(error.problems[0].contains(message), "\(error.problems)")
    }

    @Test(arguments: [
        ["method=supervised", "slots.batch=1", "phases.ancillary.steps=0"],
        ["ancillary.weights=runs/a", "phases.ancillary.steps=0"],
        ["data.boxes=coco:boxes.json", "data.labelled=labelled60.txt", "data.weak=weak307.txt"],
        ["slots.count=1", "slots.batch=4", "slots.labelled=3", "data.crop=65"],
    ])
    func `Sound configurations pass`(overrides: [String]) throws {
        #expect(throws: Never.self) {
            try ResolvedConfiguration(file: nil, overrides: overrides)
        }
    }
}
