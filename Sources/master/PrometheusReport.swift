import Bytes

/// master.txt: what Prometheus is told of master, in Cyrus's metrics and their order.
struct PrometheusReport {
    struct Row {
        var service: String
        var family: String
        var ready: Int
        var forks: Int
        var active: Int
        /// nil is unlimited.
        var maxChildren: Int?
        var forkRate: Double
        var maxForkRate: Int
        var readyFailures: Int
    }

    /// The file's text at a moment (milliseconds since 1970).
    static func text(_ rows: [Row], at milliseconds: Int64) -> [UInt8] {
        var out: [UInt8] = []
        func metric(_ name: String, _ kind: String, _ help: String, _ value: (Row) -> String) {
            let full = "cyrus_master_\(name)"
            out.append(text: "# HELP \(full) \(help)\n# TYPE \(full) \(kind)\n")
            for row in rows {
                out.append(text: "\(full){service=\"\(row.service)\",family=\"\(row.family)\"} \(value(row)) \(milliseconds)\n")
            }
        }
        metric("ready_workers", "gauge", "The number of ready workers") { String($0.ready) }
        metric("forks_total", "counter", "The number of children spawned") { String($0.forks) }
        metric("active_children", "gauge", "The number of children servicing clients") { String($0.active) }
        metric("max_children", "gauge", "The maximum number of child processes") { String($0.maxChildren ?? Int(Int32.max)) }
        metric("forks_per_second", "gauge", "The rate at which we're spawning children") { decimal($0.forkRate) }
        metric("max_forks_per_second", "gauge", "The maximum rate at which we will spawn children") { String($0.maxForkRate) }
        metric("ready_fails_total", "counter", "The number of failures in READY state") { String($0.readyFailures) }
        return out
    }

    /// At most six digits after the point, none that say nothing.
    static func decimal(_ value: Double) -> String {
        let millionths = Int((min(max(value, 0), 1e9) * 1e6).rounded())
        var digits = String(millionths % 1_000_000)
        digits = String(repeating: "0", count: 6 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return digits.isEmpty ? String(millionths / 1_000_000) : "\(millionths / 1_000_000).\(digits)"
    }
}
