import CPostgreSQL

/// What a PostgreSQL server answered to one statement.
struct PostgreSQLResult: ~Copyable {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }

    deinit { cy_PQclear(result) }

    var isOK: Bool {
        let status = cy_PQresultStatus(result)
        return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
    }

    var rowCount: Int { Int(cy_PQntuples(result)) }

    /// The bytes of a column; none for NULL. `row` and `column` are those of the answer.
    func value(_ row: Int, _ column: Int) -> [UInt8] {
        let (row, column) = (CInt(row), CInt(column))
        guard cy_PQgetisnull(result, row, column) == 0, let start = cy_PQgetvalue(result, row, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(cy_PQgetlength(result, row, column))))
    }

    /// SQLSTATE and the message.
    var complaint: (state: String, message: String) {
        (
            cy_pq_state(result).map { String(cString: $0) } ?? "",
            cy_pq_message(result).map { String(cString: $0) } ?? cy_PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        )
    }
}
