#!/bin/sh
# Builds the protocol and its simulation with one bug planted at a time, and looks for the first seed
# that finds it; without a bug none may. Usage: planted-bugs.sh [last seed] [bug …]
set -eu
cd "$(dirname "$0")/.."
root=$PWD
last=${1:-5000}
[ $# -gt 0 ] && shift
build=$root/.build/planted
bugs=${*:-$(grep -rhoE 'PLANTED_[A-Z_]+' Sources | sort -u)}

mkdir -p "$build/Sources"
for module in CWireMessages TrainingProtocol WireFormat Simulation; do
    ln -sfn "$root/Sources/$module" "$build/Sources/$module"
done
ln -sfn "$root/Tests/PlantedBugs" "$build/Sources/planted"
cat > "$build/Package.swift" <<'PACKAGE'
// swift-tools-version: 6.2
import PackageDescription
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .enableUpcomingFeature("MemberImportVisibility"),
]
let package = Package(
    name: "planted",
    targets: [
        .target(name: "CWireMessages", linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(name: "TrainingProtocol", swiftSettings: strict),
        .target(
            name: "WireFormat", dependencies: ["TrainingProtocol", "CWireMessages"],
            swiftSettings: strict),
        .target(
            name: "Simulation", dependencies: ["TrainingProtocol", "WireFormat"],
            swiftSettings: strict),
        .executableTarget(name: "planted", dependencies: ["Simulation"], swiftSettings: strict),
    ])
PACKAGE

missed=0
for bug in $bugs; do
    swift build -c release --package-path "$build" --scratch-path "$build/.build" \
        -Xswiftc -D"$bug" > "$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
    found=$("$build/.build/release/planted" "$last")
    printf '%s\t%s\n' "$bug" "$found"
    case $found in none*) missed=1 ;; esac
done
exit $missed
