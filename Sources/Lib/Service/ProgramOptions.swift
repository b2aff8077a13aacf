import Posix

/// Command-line flags in getopt's manner: `C:rxc` is -C with an argument, -r, -x and -c without.
public struct ProgramOptions: Sendable {
    /// In the order given.
    public private(set) var flags: [(letter: Character, argument: String?)] = []
    /// What follows the flags.
    public private(set) var operands: [String] = []

    public enum Failure: Error, Sendable, CustomStringConvertible {
        case unknown(Character)
        case missingArgument(Character)

        public var description: String {
            switch self {
            case .unknown(let letter): "invalid option -- '\(letter)'"
            case .missingArgument(let letter): "option requires an argument -- '\(letter)'"
            }
        }
    }

    /// Parses arguments without the program's name. Parsing stops at `--` or, with `stopsAtOperand`, at the first operand.
    public init(_ arguments: [String], _ specification: String, stopsAtOperand: Bool = false) throws(Failure) {
        var wantsArgument: [Character: Bool] = [:]
        var previous: Character?
        for letter in specification {
            if letter == ":" {
                if let previous { wantsArgument[previous] = true }
            } else {
                wantsArgument[letter] = false
                previous = letter
            }
        }
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                return
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                operands.append(word)
                if stopsAtOperand {
                    operands += rest
                    return
                }
                continue
            }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                guard let wants = wantsArgument[letter] else { throw .unknown(letter) }
                guard wants else {
                    flags.append((letter, nil))
                    continue
                }
                if !letters.isEmpty {
                    flags.append((letter, String(letters)))
                    break
                }
                guard let next = rest.popFirst() else { throw .missingArgument(letter) }
                flags.append((letter, next))
            }
        }
    }

    public func has(_ letter: Character) -> Bool { flags.contains { $0.letter == letter } }

    /// The argument of the last such flag.
    public func argument(_ letter: Character) -> String? {
        flags.last { $0.letter == letter }?.argument
    }

    public func count(_ letter: Character) -> Int { flags.count { $0.letter == letter } }
}
