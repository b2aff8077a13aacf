import CPostgreSQL

/// What a PostgreSQL server answered to one statement.
struct PostgreSQLResult: ~Copyable {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }

    deinit { PQclear(result) }

    var isOK: Bool {
        let status = PQresultStatus(result)
        return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
    }

    var rowCount: Int { Int(PQntuples(result)) }

    /// The bytes of a column; none for NULL. `row` and `column` are those of the answer.
    func value(_ row: Int, _ column: Int) -> [UInt8] {
        let (row, column) = (CInt(row), CInt(column))
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column))))
    }

    /// SQLSTATE and the message.
    var complaint: (state: String, message: String) {
        (
            cy_pq_state(result).map { String(cString: $0) } ?? "",
            cy_pq_message(result).map { String(cString: $0) } ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        )
    }
}
