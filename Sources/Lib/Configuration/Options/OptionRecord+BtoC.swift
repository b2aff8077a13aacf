extension OptionRecord {
    /// Options of Cyrus 3.6.1, from backup_compact_minsize to cyrus_user, in the order that cyr_info lists them.
    static var bToC: [OptionRecord] {
        [
            .init("backup_compact_minsize", .int(.backup_compact_minsize, 0), since: "3.0.0", "KiB; smaller backup chunks get merged"),
            .init("backup_compact_maxsize", .int(.backup_compact_maxsize, 0), since: "3.0.0", "KiB; larger chunks get split"),
            .init(
                "backup_compact_work_threshold", .int(.backup_compact_work_threshold, 1),
                since: "3.0.0", "chunks needing work before compaction starts"),
            .init(
                "backup_staging_path", .optionalString(.backup_staging_path),
                since: "3.0.0", "work area of backupd (default temp_path/backup)"),
            .init("backup_retention_days", .optionalDuration(nil, .seconds), since: "3.1.8", replacedBy: "backup_retention"),
            .init("backup_retention", .duration(.backup_retention, .days, "7d"), since: "3.1.0", "how long deleted data stays in backups"),
            .init(
                "backup_db", .choice(.backup_db, "twoskip", ["skiplist", "sql", "twoskip", "zeroskip"]),
                since: "3.1.6", "back end of backups.db"),
            .init("backup_db_path", .optionalString(.backup_db_path), since: "3.0.0", "file of backups.db"),
            .init(
                "backup_keep_previous", .switch(.backup_keep_previous, false),
                since: "3.0.0", "keep the old backup file after compact/reindex"),
            .init("boundary_limit", .int(.boundary_limit, 1000), since: "2.5.0", "maximum MIME nesting depth parsed"),
            .init(
                "caldav_accept_invalid_rrules", .switch(.caldav_accept_invalid_rrules, false),
                since: "3.6.0", "tolerate broken recurrence rules"),
            .init("caldav_allowattach", .switch(.caldav_allowattach, true), since: "3.0.0", "managed attachments"),
            .init(
                "caldav_allowcalendaradmin", .switch(.caldav_allowcalendaradmin, false), since: "3.1.2", "web page for managing calendars"),
            .init(
                "caldav_allowscheduling", .enumeration(.caldav_allowscheduling, "on", ["off", "on", "apple"]),
                since: "2.5.0", "CalDAV scheduling"),
            .init("caldav_create_attach", .switch(.caldav_create_attach, true), since: "3.0.0", "create the Attachments collection"),
            .init("caldav_create_default", .switch(.caldav_create_default, true), since: "3.0.0", "create the Default calendar"),
            .init("caldav_create_sched", .switch(.caldav_create_sched, true), since: "3.0.0", "create scheduling Inbox and Outbox"),
            .init(
                "caldav_historical_age", .duration(.caldav_historical_age, .days, "7d"),
                since: "3.1.8", "age after which changes send no invitations"),
            .init("caldav_maxdatetime", .string(.caldav_maxdatetime, "20380119T031407Z"), since: "2.5.0", "latest accepted date"),
            .init("caldav_mindatetime", .string(.caldav_mindatetime, "19011213T204552Z"), since: "2.5.0", "earliest accepted date"),
            .init("caldav_realm", .optionalString(.caldav_realm), since: "2.5.0", "HTTP realm (default servername)"),
            .init("calendarprefix", .string(.calendarprefix, "#calendars"), since: "2.5.0", "name of the calendar tree"),
            .init(
                "calendar_default_displayname", .string(.calendar_default_displayname, "personal"),
                since: "3.3.0", "display name of the Default calendar"),
            .init(
                "calendar_user_address_set", .optionalString(.calendar_user_address_set),
                since: "2.5.0", "domains of local calendar addresses"),
            .init(
                "calendar_component_set",
                .set(
                    .calendar_component_set,
                    [
                        "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY",
                        "VPOLL",
                    ], ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VPOLL"]),
                since: "3.1.7", "component types a new calendar accepts"),
            .init("carddav_allowaddmember", .switch(.carddav_allowaddmember, false), since: "3.1.3", "POST add-member"),
            .init(
                "carddav_allowaddressbookadmin", .switch(.carddav_allowaddressbookadmin, false),
                since: "3.1.2", "web page for managing address books"),
            .init("carddav_realm", .optionalString(.carddav_realm), since: "2.5.0", "HTTP realm"),
            .init("carddav_repair_vcard", .switch(nil, false), since: "3.0.0", isIgnored: true, "no effect any more"),
            .init("chatty", .switch(.chatty, false), since: "2.5.0", "log every command"),
            .init("client_bind", .switch(.client_bind, false), since: "3.0.0", "bind outgoing connections to an address"),
            .init("client_bind_name", .optionalString(.client_bind_name), since: "3.0.0", "that address (default servername)"),
            .init("client_timeout", .duration(.client_timeout, .seconds, "10s"), since: "3.1.8", "connect timeout to other servers"),
            .init(
                "commandmintimer", .optionalString(.commandmintimer), since: "2.4.0", "log commands slower than this many seconds (float)"),
            .init("configdirectory", .optionalString(.configdirectory), since: "2.3.17", "state directory; required"),
            .init("createonpost", .switch(nil, false), since: "2.5.0", replacedBy: "autocreate_post"),
            .init("conversations", .switch(.conversations, false), since: "3.0.0", "maintain per-user conversations databases"),
            .init(
                "conversations_counted_flags", .optionalString(.conversations_counted_flags),
                since: "3.0.0", "flags counted per conversation (rebuild needed on change)"),
            .init(
                "conversations_db", .choice(.conversations_db, "skiplist", ["skiplist", "sql", "twoskip", "zeroskip"]),
                since: "3.1.6", "back end of conversations databases"),
            .init("conversations_expire_days", .optionalDuration(nil, .seconds), since: "3.1.8", replacedBy: "conversations_expire_after"),
            .init(
                "conversations_expire_after", .duration(.conversations_expire_after, .days, "90d"),
                since: "3.1.8", "retention of message-id tracking"),
            .init(
                "conversations_keep_existing", .switch(.conversations_keep_existing, true),
                since: "3.3.0", "keep ids of threads that still have messages"),
            .init("conversations_max_thread", .int(.conversations_max_thread, 100), since: "3.1.1", "messages per thread before it splits"),
            .init(
                "conversations_max_guidrecords", .int(.conversations_max_guidrecords, 5000),
                since: "3.3.0", "limit of records per identical message"),
            .init(
                "conversations_max_guidexists", .int(.conversations_max_guidexists, 100),
                since: "3.3.0", "limit of live copies of one message"),
            .init(
                "conversations_max_guidinfolder", .int(.conversations_max_guidinfolder, 10), since: "3.3.0", "limit of copies in one folder"
            ),
            .init("crossdomains", .switch(.crossdomains, false), since: "3.0.0", "share across virtual domains"),
            .init("crossdomains_onlyother", .switch(.crossdomains_onlyother, false), since: "3.0.0", "show domain only for foreign users"),
            .init("cyrus_group", .optionalString(.cyrus_group), since: "3.1.7", "group to run as"),
            .init("cyrus_user", .optionalString(.cyrus_user), since: "3.0.0", "user to run as"),
        ]
    }
}
