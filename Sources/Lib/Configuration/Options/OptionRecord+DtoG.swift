extension OptionRecord {
    /// Options of Cyrus 3.6.1, from davdriveprefix to hashimapspool, in the order that cyr_info lists them.
    static var dToG: [OptionRecord] {
        [
            .init("davdriveprefix", .string(.davdriveprefix, "#drive"), since: "3.0.0", "name of the DAV files tree"),
            .init(
                "davnotificationsprefix", .string(.davnotificationsprefix, "#notifications"),
                since: "3.0.0", "name of the DAV notifications tree"),
            .init("dav_realm", .optionalString(.dav_realm), since: "2.5.0", "HTTP realm of principals"),
            .init("dav_lock_timeout", .duration(.dav_lock_timeout, .seconds, "20s"), since: "3.1.8", "wait limit for the DAV db lock"),
            .init("debug", .switch(.debug, false), since: "2.5.0", "pass LOG_DEBUG messages"),
            .init(
                "debug_command", .optionalString(.debug_command),
                since: "2.3.17", "format for the debugger started by -D (program, pid, service)"),
            .init("debug_writefail_guid", .optionalString(.debug_writefail_guid), since: "3.6.0", "testing: fail writes of this message"),
            .init("defaultacl", .string(.defaultacl, "anyone lrs"), since: "2.3.17", "ACL of new top-level shared mailboxes"),
            .init("defaultdomain", .string(.defaultdomain, "internal"), since: "3.0.0", "domain of unqualified users"),
            .init(
                "defaultpartition", .optionalString(.defaultpartition),
                since: "2.3.17", "partition of new mailboxes (lower-cased, alphanumeric)"),
            .init("defaultsearchtier", .string(.defaultsearchtier, ""), since: "3.0.0", "search tier for new index data"),
            .init("defaultserver", .optionalString(.defaultserver), since: "2.3.17", "murder: server for new mailboxes"),
            .init("deletedprefix", .string(.deletedprefix, "DELETED"), since: "2.3.17", "top of the deleted-mailbox tree"),
            .init(
                "delete_mode", .enumeration(.delete_mode, "delayed", ["immediate", "delayed"]),
                since: "2.5.0", "delete at once or move to deletedprefix"),
            .init("delete_unsubscribe", .switch(.delete_unsubscribe, false), since: "3.0.0", "unsubscribe on delete"),
            .init("deleteright", .string(.deleteright, "c"), since: "2.3.17", "old meaning of right c/d (legacy)"),
            .init("disable_user_namespace", .switch(.disable_user_namespace, false), since: "2.5.0", "hide other users in LIST"),
            .init("disable_shared_namespace", .switch(.disable_shared_namespace, false), since: "2.5.0", "hide shared mailboxes in LIST"),
            .init(
                "disconnect_on_vanished_mailbox", .switch(.disconnect_on_vanished_mailbox, false),
                since: "2.3.17", "drop clients whose mailbox disappears"),
            .init("ischedule_dkim_domain", .optionalString(.ischedule_dkim_domain), since: "2.5.0", "DKIM domain for iSchedule"),
            .init("ischedule_dkim_key_file", .optionalString(.ischedule_dkim_key_file), since: "2.5.0", "DKIM key"),
            .init("ischedule_dkim_required", .switch(.ischedule_dkim_required, true), since: "3.1.4", "require DKIM on incoming iSchedule"),
            .init("ischedule_dkim_selector", .optionalString(.ischedule_dkim_selector), since: "2.5.0", "DKIM selector"),
            .init(
                "duplicate_db", .choice(.duplicate_db, "twoskip", ["skiplist", "sql", "twoskip", "zeroskip"]),
                since: "3.1.6", "back end of deliver.db"),
            .init("duplicate_db_path", .optionalString(.duplicate_db_path), since: "2.5.0", "file of deliver.db"),
            .init(
                "duplicatesuppression", .switch(.duplicatesuppression, true),
                since: "2.3.17", "drop repeated deliveries of the same message-id"),
            .init(
                "event_content_inclusion_mode",
                .enumeration(
                    .event_content_inclusion_mode, "standard",
                    [
                        "standard", "message", "header",
                        "body", "headerbody",
                    ]),
                since: "2.5.0", "message content put in events"),
            .init("event_content_size", .int(.event_content_size, 0), since: "2.5.0", "cut event content to this many bytes (0 = all)"),
            .init("event_exclude_flags", .optionalString(.event_exclude_flags), since: "2.5.0", "flags that cause no event"),
            .init(
                "event_exclude_specialuse", .string(.event_exclude_specialuse, "\\Junk"),
                since: "2.5.0", "special-use folders that cause no event"),
            .init(
                "event_extra_params",
                .set(
                    .event_extra_params, ["timestamp"],
                    [
                        "bodyStructure", "clientAddress", "diskUsed", "flagNames",
                        "messageContent", "messageSize", "messages", "modseq", "service", "timestamp", "uidnext", "vnd.cmu.midset",
                        "vnd.cmu.unseenMessages", "vnd.cmu.envelope", "vnd.cmu.sessionId", "vnd.cmu.mailboxACL", "vnd.cmu.mbtype",
                        "vnd.cmu.davFilename", "vnd.cmu.davUid", "vnd.fastmail.clientId", "vnd.fastmail.sessionId",
                        "vnd.fastmail.convExists",
                        "vnd.fastmail.convUnseen", "vnd.fastmail.cid", "vnd.fastmail.counters", "vnd.fastmail.jmapEmail",
                        "vnd.fastmail.jmapStates",
                        "vnd.cmu.emailid", "vnd.cmu.threadid",
                    ]),
                since: "3.6.0", "extra event parameters"),
            .init(
                "event_groups",
                .set(
                    .event_groups, ["message", "mailbox"],
                    [
                        "message", "quota", "flags", "access", "mailbox",
                        "subscription", "calendar", "applepushservice",
                    ]),
                since: "3.0.0", "event groups enabled"),
            .init("event_notifier", .optionalString(.event_notifier), since: "2.5.0", "notifyd method of RFC 5423 events"),
            .init(
                "expunge_mode", .enumeration(.expunge_mode, "delayed", ["immediate", "semidelayed", "delayed"]),
                since: "3.1.1", "when expunged data disappears"),
            .init("failedloginpause", .duration(.failedloginpause, .seconds, "3s"), since: "3.1.8", "delay after a failed login"),
            .init("flushseenstate", .switch(nil, true), since: "2.5.0", isIgnored: true, "unused"),
            .init("foolstupidclients", .switch(.foolstupidclients, false), since: "2.3.17", "answer LIST \"*\" as if it were INBOX*"),
            .init(
                "force_sasl_client_mech", .optionalString(.force_sasl_client_mech), since: "2.3.17", "mechanism used towards other servers"),
            .init("fulldirhash", .switch(.fulldirhash, false), since: "2.3.17", "hash directories A-W over the whole name"),
            .init("hashimapspool", .switch(.hashimapspool, false), since: "2.3.17", "hash legacy spool directories too"),
        ]
    }
}
