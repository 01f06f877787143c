import Foundation
import Roles

/// Per-class intersection over union of one or more models, side by side, in per cent.
struct ScoreTable {
    let columns: [(title: String, scores: ModelScores)]
    let classNames: [String]

    var text: String {
        let nameWidth = max(18, classNames.map(\.count).max() ?? 0)
        let widths = columns.map { max(9, $0.title.count) }
        func row(_ name: String, _ cells: [String]) -> String {
            name.padding(toLength: nameWidth, withPad: " ", startingAt: 0)
                + zip(cells, widths).map { cell, width in
                    "  " + String(repeating: " ", count: max(0, width - cell.count)) + cell
                }.joined()
        }
        var lines = [row("IoU, per cent", columns.map(\.title))]
        for name in classNames {
            lines.append(row(name, columns.map { Self.cell($0.scores.classIoU[name] ?? nil) }))
        }
        lines.append(row("mean (present)", columns.map { Self.cell($0.scores.meanIoUPresent) }))
        lines.append(row("mean", columns.map { Self.cell($0.scores.meanIoU) }))
        return lines.joined(separator: "\n")
    }

    private static func cell(_ value: Double?) -> String {
        value.map { String(format: "%.1f", $0) } ?? "n/a"
    }
}
