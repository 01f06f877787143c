import Configurations
import Tensors
import Testing
import Training

@Suite("The flat lists of tensors")
struct TensorListTests {
    @Test(
        "Groups come in one order and hold what the method needs",
        arguments: Configuration.Method.allCases)
    func groups(_ method: Configuration.Method) throws {
        let list = try TensorList(TinyRun.configuration(method), classCount: 3)
        let expected: [TensorGroup] =
            switch method {
            case .supervised, .emFixed: [.primary, .primaryStatistics]
            case .none, .linear: [.primary, .ancillary, .primaryStatistics, .ancillaryStatistics]
            case .convolutional: TensorGroup.allCases
            }
        #expect(list.groups.map(\.group) == expected)
        for group in list.groups {
            #expect(group.offsets.first == 0)
            for index in 1..<group.tensors.count {
                #expect(
                    group.offsets[index]
                        == group.offsets[index - 1] + group.tensors[index - 1].count)
            }
            #expect(group.elementCount == group.offsets.last! + group.tensors.last!.count)
        }
    }

    @Test("With the defaults and 21 classes φ has 2,725,573 elements and λ 72,725")
    func counts() throws {
        var c = Configuration()
        c.method = .convolutional
        let list = try TensorList(c, classCount: 21)
        #expect(list[.primary].elementCount == 2_725_573)
        #expect(list[.corrector].elementCount == 72_725)
        #expect(
            list[.ancillary].elementCount
                == 2_725_573 + 21 * 9 * (256 + 144) + 256 + 144)
    }

    @Test("A slot of one image leaves the image pooling's statistics alone")
    func singleValue() throws {
        var c = TinyRun.configuration(.supervised)
        func frozen() throws -> [String] {
            try TensorList(c, classCount: 3)[.primaryStatistics].tensors
                .filter { $0.updates == .never }.map(\.name)
        }
        #expect(try frozen() == [])
        c.slots.batch = 1
        #expect(try frozen() == ["aspp.pool.1.running_mean", "aspp.pool.1.running_var"])
    }
}
