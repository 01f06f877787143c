import Telemetry
import Testing

private func state(
    step: Int, of count: Int = 1000, phase: String = "main"
) -> ProgressState {
    ProgressState(
        phase: phase, step: step, stepCount: count,
        losses: [.init("F", 1.25), .init("W", 0.03126)], imagesPerSecond: 12.34,
        secondsLeft: 725, workers: 2)
}

@Suite struct ProgressTests {
    @Test func `The plain line says everything`() {
        #expect(
            state(step: 500).plainLine
                == "main 500/1000  12m05s left  F 1.2500  W 0.0313  12.3 images/s  2 workers")
    }

    @Test func `The bar fits any width and drops the least important first`() {
        #expect(
            state(step: 500).barLine(width: 101, colour: .none)
                == "main 500/1000  [" + String(repeating: "=", count: 12)
                + String(repeating: " ", count: 12)
                + "]  12m05s left  F 1.2500  W 0.0313  12.3 images/s  2 workers")
        for width in 0...200 {
            let line = state(step: 500).barLine(width: width, colour: .none)
            #expect(line.count <= max(0, width - 1))
            #expect(!line.contains("\u{1B}"))
        }
        #expect(state(step: 500).barLine(width: 20, colour: .none) == "main 500/1000")
        #expect(state(step: 500).barLine(width: 6, colour: .none) == "main ")
    }

    @Test func `Colour is the only difference between the two bars`() {
        let coloured = state(step: 300).barLine(width: 120, colour: .allowed)
        let bare = coloured.replacing("\u{1B}[32m", with: "").replacing("\u{1B}[0m", with: "")
        #expect(coloured != bare)
        #expect(bare == state(step: 300).barLine(width: 120, colour: .none))
    }

    @Test(arguments: [
        (0.0, "0s"), (0.2, "1s"), (59, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"),
        (90_000, "1d01h"), (.nan, "?"), (.infinity, "?"), (-1, "?"),
    ])
    func `Durations are short`(seconds: Double, text: String) {
        var state = state(step: 1)
        state.secondsLeft = seconds
        #expect(state.plainLine.contains("  \(text) left  "))
    }

    @Test(arguments: [
        (0.0, "0.0000"), (-0.00001, "0.0000"), (-2.5, "-2.5000"), (0.99996, "1.0000"),
        (.nan, "nan"), (.infinity, "inf"), (1e9, "1000000000.0"),
    ])
    func `Losses of any size are shown`(value: Double, text: String) {
        var state = state(step: 1)
        state.losses = [.init("F", value)]
        #expect(state.plainLine.contains("  F \(text)  "))
    }

    @Test func `A bar is drawn at most ten times a second`() {
        var pacer = ProgressPacer(.bar)
        let drawn = (0..<1000).filter { pacer.isDue(state(step: $0), at: Double($0) / 100) }
        #expect(drawn.count <= 100 && drawn.count >= 90)
    }

    @Test func `A line is due every 10 seconds or 5 percent, and at each end`() {
        var fast = ProgressPacer(.plain)
        let lines = (0...1000).filter { fast.isDue(state(step: $0), at: Double($0) / 1000) }
        #expect(lines == Array(stride(from: 0, through: 1000, by: 50)))
        var slow = ProgressPacer(.plain)
        let times = (0...49).filter { slow.isDue(state(step: $0), at: Double($0)) }
        #expect(times == [0, 10, 20, 30, 40])
        let atNewPhase = slow.isDue(state(step: 0, phase: "warmup"), at: 49.5)
        let withoutNews = slow.isDue(state(step: 0, phase: "warmup"), at: 100)
        #expect(atNewPhase && !withoutNews)
        var off = ProgressPacer(.off)
        let whenOff = off.isDue(state(step: 1000), at: 0)
        #expect(!whenOff)
    }

    @Test(arguments: [
        (true, [:], ProgressMode.bar, ColourUse.allowed),
        (true, ["TERM": "dumb"], .plain, .none),
        (true, ["CI": "true"], .plain, .allowed),
        (true, ["NO_COLOR": "1"], .bar, .none),
        (true, ["NO_COLOR": "", "CI": ""], .bar, .allowed),
        (false, [:], .plain, .none),
    ])
    func `The surroundings choose how progress looks`(
        isTerminal: Bool, environment: [String: String], mode: ProgressMode, colour: ColourUse
    ) {
        #expect(
            ProgressMode.automatic(isTerminal: isTerminal, environment: environment) == mode)
        #expect(ColourUse.automatic(isTerminal: isTerminal, environment: environment) == colour)
    }

    @Test func `Each mode writes its own form`() {
        let captured = CapturedOutput()
        let output = TerminalOutput(descriptor: captured.writeEnd)
        ProgressReporter(.plain, colour: .none, output: output).report(state(step: 0), at: 0)
        #expect(captured.take() == state(step: 0).plainLine + "\n")
        let bar = ProgressReporter(.bar, colour: .none, output: output)
        bar.report(state(step: 0), at: 0)
        bar.report(state(step: 1), at: 0.05)
        bar.report(state(step: 1000), at: 0.06)
        bar.finish()
        let lines = [0, 1000].map {
            "\r\u{1B}[K" + state(step: $0).barLine(width: 80, colour: .none)
        }
        #expect(captured.take() == lines.joined() + "\n")
        ProgressReporter(.json, colour: .none, output: output).report(state(step: 0), at: 0)
        #expect(
            captured.take()
                == #"{"event":"progress","phase":"main","step":0,"steps":1000,"#
                + #""losses":{"F":1.25,"W":0.03126},"images_per_s":12.34,"seconds_left":725.0,"#
                + #""workers":2}"# + "\n")
        ProgressReporter(.off, colour: .none, output: output).report(state(step: 0), at: 0)
        #expect(captured.take() == "")
    }
}
