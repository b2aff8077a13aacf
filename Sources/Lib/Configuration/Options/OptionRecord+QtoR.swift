extension OptionRecord {
    /// Options of Cyrus 3.6.1, from qosmarking to rss_realm, in the order that cyr_info lists them.
    static var qToR: [OptionRecord] {
        [
            .init(
                "qosmarking",
                .enumeration(
                    .qosmarking, "cs0",
                    [
                        "cs0", "cs1", "cs2", "cs3", "cs4", "cs5", "cs6", "cs7", "af11", "af12",
                        "af13", "af21", "af22", "af23", "af31", "af32", "af33", "af41", "af42", "af43", "ef",
                    ]),
                since: "2.5.0", "DSCP class of sockets"),
            .init(
                "quota_db", .choice(.quota_db, "quotalegacy", ["flat", "skiplist", "sql", "quotalegacy", "twoskip", "zeroskip"]),
                since: "3.1.6", "back end of quotas"),
            .init("quota_db_path", .optionalString(.quota_db_path), since: "2.5.0", "quota db file or base path"),
            .init(
                "quota_use_conversations", .switch(.quota_use_conversations, false),
                since: "3.3.0", "take user quota from the conversations db"),
            .init("quotawarn", .int(.quotawarn, 90), since: "2.3.17", "percent at which SELECT warns"),
            .init("quotawarnkb", .int(.quotawarnkb, 0), since: "2.3.17", "warn only if free space is below (KiB)"),
            .init("quotawarnmsg", .int(.quotawarnmsg, 0), since: "2.5.0", "warn only if free messages are below"),
            .init("readonly", .switch(.readonly, false), since: "3.3.0", "refuse all writes"),
            .init("reject8bit", .switch(.reject8bit, false), since: "2.3.17", "refuse 8-bit headers"),
            .init("restore_authname", .optionalString(.restore_authname), since: "3.0.0", "restore tool login"),
            .init("restore_password", .optionalString(.restore_password), since: "3.0.0", "restore tool password"),
            .init("restore_realm", .optionalString(.restore_realm), since: "3.0.0", "restore tool realm"),
            .init("reverseacls", .switch(.reverseacls, false), since: "3.0.0", "keep per-user reverse ACL records"),
            .init("reverseuniqueids", .switch(nil, true), since: "3.6.0", isIgnored: true, "unused"),
            .init("rfc2046_strict", .switch(.rfc2046_strict, false), since: "2.3.17", "strict MIME boundary matching"),
            .init("rfc2047_utf8", .switch(.rfc2047_utf8, false), since: "3.0.0", "treat raw 8-bit header text as UTF-8"),
            .init("rfc3028_strict", .switch(.rfc3028_strict, true), since: "2.3.17", "strict header lists in sieve address/envelope tests"),
            .init("rss_feedlist_template", .optionalString(.rss_feedlist_template), since: "2.5.0", "HTML template"),
            .init("rss_feeds", .string(.rss_feeds, "*"), since: "2.5.0", "wildmat of feeds"),
            .init("rss_maxage", .optionalDuration(.rss_maxage, .days), since: "3.1.8", "item age limit"),
            .init("rss_maxitems", .int(.rss_maxitems, 0), since: "2.5.0", "item limit"),
            .init("rss_maxsynopsis", .int(.rss_maxsynopsis, 0), since: "2.5.0", "synopsis length"),
            .init("rss_realm", .optionalString(.rss_realm), since: "2.5.0", "HTTP realm"),
        ]
    }
}
