extension OptionRecord {
    /// Options of Cyrus 3.6.1, from acl_admin_implies_write to autoexpunge, in the order that cyr_info lists them.
    static var a: [OptionRecord] {
        [
            .init(
                "acl_admin_implies_write", .switch(.acl_admin_implies_write, false),
                since: "3.6.0", "right 'a' on a mailbox also lets the holder write into it"),
            .init("addressbookprefix", .string(.addressbookprefix, "#addressbooks"), since: "2.5.0", "name of the address book tree"),
            .init("admins", .string(.admins, ""), since: "2.3.17", "space list of users (and group:NAME) with full rights"),
            .init("afspts_localrealms", .optionalString(.afspts_localrealms), since: "2.3.17", "realms stripped by the afspts ptloader"),
            .init("afspts_mycell", .optionalString(.afspts_mycell), since: "2.3.17", "AFS cell for PTS lookups"),
            .init(
                "allowallsubscribe", .switch(.allowallsubscribe, false),
                since: "2.3.17", "let users subscribe to mailboxes that do not exist"),
            .init("allowanonymouslogin", .switch(.allowanonymouslogin, false), since: "2.3.17", "accept user anonymous / SASL ANONYMOUS"),
            .init("allowapop", .switch(.allowapop, true), since: "2.3.17", "offer POP3 APOP (needs plaintext secrets in SASL)"),
            .init(
                "allowdeleted", .switch(.allowdeleted, false), since: "3.1.8", "expose expunged and deleted data through vendor extensions"),
            .init("allownewnews", .switch(.allownewnews, false), since: "2.3.17", "permit NNTP NEWNEWS"),
            .init("allowplaintext", .switch(.allowplaintext, false), since: "3.0.0", "permit clear-text passwords without TLS"),
            .init("allowsetacl", .switch(.allowsetacl, true), since: "3.1.8", "no: SETACL refused for everybody"),
            .init("allowusermoves", .switch(.allowusermoves, false), since: "2.3.17", "let RENAME/XFER move whole user accounts"),
            .init("altnamespace", .switch(.altnamespace, true), since: "3.0.0", "personal folders beside INBOX instead of under it"),
            .init("altprefix", .string(.altprefix, "Alt Folders"), since: "3.0.0", "where clashing INBOX spellings appear in altnamespace"),
            .init(
                "annotation_db", .choice(.annotation_db, "twoskip", ["skiplist", "sql", "twoskip", "zeroskip"]),
                since: "3.1.6", "back end of annotation databases"),
            .init("annotation_db_path", .optionalString(.annotation_db_path), since: "2.5.0", "file of the global annotation db"),
            .init("anyoneuseracl", .switch(.anyoneuseracl, true), since: "2.3.17", "users may grant rights to \"anyone\""),
            .init(
                "annotation_allow_undefined", .switch(.annotation_allow_undefined, false),
                since: "2.5.0", "accept annotations that are not defined anywhere"),
            .init(
                "annotation_definitions", .optionalString(.annotation_definitions), since: "2.5.0", "file with extra annotation definitions"
            ),
            .init(
                "annotation_callout", .optionalString(.annotation_callout),
                since: "2.5.0", "program or socket asked for annotations/flags at append"),
            .init(
                "annotation_callout_disable_append", .switch(.annotation_callout_disable_append, false),
                since: "3.1.2", "skip the callout for APPEND"),
            .init(
                "annotation_enable_legacy_commands", .switch(.annotation_enable_legacy_commands, false),
                since: "3.1.6", "offer GETANNOTATION/SETANNOTATION"),
            .init("aps_topic", .optionalString(.aps_topic), since: "3.0.0", "Apple push topic (IMAP)"),
            .init("aps_topic_caldav", .optionalString(.aps_topic_caldav), since: "3.0.0", "Apple push topic (CalDAV)"),
            .init("aps_topic_carddav", .optionalString(.aps_topic_carddav), since: "3.0.0", "Apple push topic (CardDAV)"),
            .init("archive_enabled", .switch(.archive_enabled, false), since: "3.0.0", "move old/large messages to archivepartition-NAME"),
            .init("archive_days", .optionalDuration(nil, .seconds), since: "3.1.8", replacedBy: "archive_after"),
            .init("archive_after", .duration(.archive_after, .days, "7d"), since: "3.1.8", "age at which messages are archived"),
            .init("archive_maxsize", .int(.archive_maxsize, 1024), since: "3.0.0", "KiB; larger messages are archived at once"),
            .init("archive_keepflagged", .switch(.archive_keepflagged, false), since: "3.0.0", "do not archive \\Flagged messages"),
            .init("auditlog", .switch(.auditlog, false), since: "2.4.0", "log every mailbox/message change"),
            .init("auth_mech", .choice(.auth_mech, "unix", ["unix", "pts", "krb", "krb5"]), since: "2.3.17", "authorisation module"),
            .init("autocreateinboxfolders", .optionalString(nil), since: "2.5.0", replacedBy: "autocreate_inbox_folders"),
            .init("autocreatequota", .int(nil, 0), since: "2.5.0", replacedBy: "autocreate_quota"),
            .init("autocreatequotamsg", .int(nil, -1), since: "2.5.0", replacedBy: "autocreate_quota_messages"),
            .init("autosievefolders", .optionalString(nil), since: "2.5.0", replacedBy: "autocreate_sieve_folders"),
            .init("generate_compiled_sieve_script", .switch(nil, false), since: "2.5.0", replacedBy: "autocreate_sieve_script_compile"),
            .init("autocreate_sieve_compiled_script", .optionalString(nil), since: "2.5.0", replacedBy: "autocreate_sieve_script_compiled"),
            .init("autosubscribeinboxfolders", .optionalString(nil), since: "2.5.0", replacedBy: "autocreate_subscribe_folders"),
            .init("autosubscribesharedfolders", .optionalString(nil), since: "2.5.0", replacedBy: "autocreate_subscribe_sharedfolders"),
            .init(
                "autosubscribe_all_sharedfolders", .switch(nil, false), since: "2.5.0", replacedBy: "autocreate_subscribe_sharedfolders_all"
            ),
            .init(
                "autocreate_inbox_folders", .optionalString(.autocreate_inbox_folders),
                since: "2.5.0", "folders made together with a new INBOX, separated by '|'"),
            .init("autocreate_post", .switch(.autocreate_post, false), since: "2.5.0", "lmtpd may create INBOX on delivery"),
            .init(
                "autocreate_quota", .int(.autocreate_quota, -1),
                since: "2.5.0", ">=0 enables INBOX autocreation, >0 sets storage quota (KiB)"),
            .init("autocreate_quota_messages", .int(.autocreate_quota_messages, -1), since: "3.0.0", "message quota for autocreated INBOX"),
            .init(
                "autocreate_sieve_folders", .optionalString(.autocreate_sieve_folders),
                since: "2.5.0", "'|' list of folders fileinto may create"),
            .init(
                "autocreate_sieve_script", .optionalString(.autocreate_sieve_script),
                since: "2.5.0", "default script text installed for new users"),
            .init(
                "autocreate_sieve_script_compile", .switch(.autocreate_sieve_script_compile, false),
                since: "2.5.0", "compile and store the default script if missing"),
            .init(
                "autocreate_sieve_script_compiled", .optionalString(.autocreate_sieve_script_compiled),
                since: "2.5.0", "path of the compiled default script"),
            .init(
                "autocreate_subscribe_folders", .optionalString(.autocreate_subscribe_folders),
                since: "2.5.0", "'|' list of new folders to subscribe"),
            .init(
                "autocreate_subscribe_sharedfolders", .optionalString(.autocreate_subscribe_sharedfolders),
                since: "2.5.0", "'|' list of shared folders to subscribe for new users"),
            .init(
                "autocreate_subscribe_sharedfolders_all", .switch(.autocreate_subscribe_sharedfolders_all, false),
                since: "2.5.0", "subscribe new users to all visible shared folders"),
            .init(
                "autocreate_users", .string(.autocreate_users, "anyone"), since: "2.5.0", "users/groups for which autocreation is allowed"),
            .init("autoexpunge", .switch(.autoexpunge, false), since: "3.1.7", "expunge \\Deleted messages whenever a mailbox is closed"),
        ]
    }
}
