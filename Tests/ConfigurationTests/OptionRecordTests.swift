@testable import Configuration
import Testing

@Suite struct OptionRecordTests {
    @Test func everyOptionHasOneRecordAndEveryCaseIsReadByOne() {
        var found: [String] = []
        for record in OptionRecord.all {
            let key: Any? =
                switch record.kind {
                case .switch(let key, _): key
                case .int(let key, _): key
                case .duration(let key, _, _): key
                case .optionalDuration(let key, _): key
                case .string(let key, _): key
                case .optionalString(let key): key
                case .choice(let key, _, _), .enumeration(let key, _, _): key
                case .set(let key, _, _): key
                }
            if let key {
                #expect("\(key)" == record.name)
                found.append(record.name)
            } else {
                #expect(record.isDeprecated)
            }
        }
        let cases: [String] =
            SwitchOption.allCases.map { "\($0)" } + IntOption.allCases.map { "\($0)" } + DurationOption.allCases.map { "\($0)" }
            + OptionalDurationOption.allCases.map { "\($0)" } + StringOption.allCases.map { "\($0)" }
            + OptionalStringOption.allCases.map { "\($0)" } + ChoiceOption.allCases.map { "\($0)" } + SetOption.allCases.map { "\($0)" }
        #expect(found.sorted() == cases.sorted())
        #expect(Set(OptionRecord.all.map(\.name)).count == OptionRecord.all.count)
    }

    @Test func everyRecordIsFoundByItsName() {
        for (index, record) in OptionRecord.all.enumerated() { #expect(OptionIndex.shared[record.name] == index) }
        for name in ["", "nosuch", "timeou", "timeoutt"] { #expect(OptionIndex.shared[name] == nil) }
    }

    @Test func replacementsExistAndAreNotDeprecatedThemselves() {
        for record in OptionRecord.all {
            guard let name = record.replacement else { continue }
            #expect(OptionRecord.named(name)?.isDeprecated == false)
        }
    }

    @Test func defaultsAreValuesOfTheirOwnType() {
        for record in OptionRecord.all {
            switch record.kind {
            case .duration(_, let unit, let text): #expect(ValueSyntax.parseDuration(text, unit: unit) != nil, "\(record.name)")
            case .choice(_, let word, let words), .enumeration(_, let word, let words):
                #expect(words.contains(word) || record.name == "sql_engine", "\(record.name)")
            case .set(_, let some?, let words): #expect(some.allSatisfy { words.contains($0) }, "\(record.name)")
            default: break
            }
        }
    }
}
