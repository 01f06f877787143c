// swift-tools-version: 6.2
import PackageDescription

// Each target is one row; the arrows of docs/ARCHITECTURE.md are the only allowed imports.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
    _ name: String, exclude: [String] = [], _ dependencies: [Target.Dependency]
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let xmlCoder = Target.Dependency.product(name: "XMLCoder", package: "XMLCoder")

let package = Package(
    name: "emend",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/CoreOffice/XMLCoder", exact: "0.18.2"),
    ],
    targets: [
        .systemLibrary(name: "CZeroMQ"),
        .systemLibrary(name: "COpenBLAS"),
        .systemLibrary(name: "CTurboJPEG"),
        .systemLibrary(name: "CPNG"),
        .systemLibrary(name: "CSodium"),
        .systemLibrary(name: "CXXHash"),
        .target(name: "CWireMessages", linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(
            name: "CKernels", cSettings: [.treatAllWarnings(as: .error)],
            linkerSettings: [.linkedLibrary("m"), .linkedLibrary("pthread")]),
        .target(
            name: "CKernelRecording", dependencies: ["CKernels"],
            cSettings: [.treatAllWarnings(as: .error)]),
        .target(name: "CLinux", cSettings: [.treatAllWarnings(as: .error)]),
        .target(name: "CSHA256", cSettings: [.treatAllWarnings(as: .error)]),
        library("Hashes", ["CSHA256", "CSodium"]),
        library("Configurations", ["Hashes", yams]),
        library("Tensors", ["CKernels", "COpenBLAS"]),
        library("Networks", ["Tensors", "CKernels"]),
        library("SelfCorrection", ["Tensors", "CKernels"]),
        library("Datasets", ["Hashes", "CTurboJPEG", "CPNG", xmlCoder]),
        library(
            "Training",
            [
                "Networks", "SelfCorrection", "Datasets", "Configurations", "Checkpoints", "Hashes",
                "Tensors", "CKernels",
            ]),
        library("Optimizers", ["CKernels"]),
        library("Checkpoints", ["TrainingProtocol", "Hashes", "CPNG"]),
        library("Ledger", ["Hashes"]),
        library("TrainingProtocol"),
        library("WireFormat", ["TrainingProtocol", "CWireMessages"]),
        library("Transport", ["TrainingProtocol", "WireFormat", "CZeroMQ", "CLinux"]),
        library("Simulation", ["TrainingProtocol", "WireFormat"]),
        library("Telemetry", [logging]),
        library(
            "Roles",
            [
                "TrainingProtocol", "Transport", "WireFormat", "Training", "Networks",
                "SelfCorrection", "Datasets", "Optimizers", "Checkpoints", "Ledger",
                "Configurations", "Telemetry", "Tensors", "CKernels", "Hashes", "CXXHash", "CLinux",
                logging, argumentParser,
            ]),
        library("Launcher", ["CLinux"]),
        program(
            "emend",
            [
                "Roles", "Launcher", "Training", "Networks", "Datasets", "Checkpoints", "Ledger",
                "Configurations", "Telemetry", "Tensors", "Transport", "Simulation", argumentParser,
                logging,
            ]),
        program("emend-coordinator", ["Roles", argumentParser]),
        program("emend-server", ["Roles", "Tensors", argumentParser]),
        program("emend-worker", ["Roles", "Launcher", "Tensors", argumentParser]),
        library("RawPeers", ["Transport", "TrainingProtocol", "WireFormat", "CZeroMQ"]),
        .target(name: "TestSupport", dependencies: ["Tensors", "CKernels"], swiftSettings: strict),
        tests("CKernels", ["CKernels", "TestSupport"]),
        tests("Tensors", ["Tensors", "CKernels", "TestSupport"]),
        tests(
            "Networks", exclude: ["Golden"], ["Networks", "Tensors", "Checkpoints", "TestSupport"]),
        tests("SelfCorrection", ["SelfCorrection", "Tensors", "TestSupport"]),
        tests("Datasets", ["Datasets"]),
        tests(
            "Training",
            [
                "Training", "Networks", "SelfCorrection", "Datasets", "Configurations",
                "Checkpoints", "Optimizers", "Tensors", "TestSupport", "CKernels",
                "CKernelRecording",
            ]),
        tests("Optimizers", exclude: ["Golden"], ["Optimizers", "CKernels"]),
        tests(
            "Checkpoints", ["Checkpoints", "TrainingProtocol", "Simulation", "Hashes"]),
        tests("Ledger", ["Ledger", "Hashes"]),
        tests("Configurations", ["Configurations"]),
        tests("TrainingProtocol", ["TrainingProtocol", "Simulation"]),
        tests("WireFormat", ["WireFormat", "TrainingProtocol", "CWireMessages"]),
        tests(
            "Transport", ["Transport", "TrainingProtocol", "WireFormat", "CZeroMQ", "RawPeers"]),
        tests("Telemetry", ["Telemetry"]),
        tests("Roles", ["Roles", "TrainingProtocol", "Checkpoints", "Optimizers", "WireFormat"]),
        tests("Launcher", ["Launcher"]),
        tests(
            "EndToEnd",
            exclude: [
                "compare_trajectory.py", "record-trajectories.sh", "replay.sh", "trajectory.py",
            ],
            [
                "Configurations", "Checkpoints", "Ledger", "Hashes", "RawPeers", "Transport",
                "TrainingProtocol", "WireFormat", "Simulation", "Tensors", "CXXHash", "CLinux",
            ]),
    ]
)
