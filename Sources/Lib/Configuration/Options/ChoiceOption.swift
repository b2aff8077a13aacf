/// Options that are one word of a list.
public enum ChoiceOption: Int, CaseIterable, Sendable {
    case annotation_db, auth_mech, backup_db, caldav_allowscheduling, conversations_db, delete_mode, duplicate_db
    case event_content_inclusion_mode, expunge_mode, ldap_deref, ldap_domain_scope, ldap_group_scope, ldap_member_method
    case ldap_member_scope, ldap_scope, mboxkey_db, mboxlist_db, mupdate_config, partition_select_mode, prometheus_need_auth
    case pts_module, ptscache_db, qosmarking, quota_db, search_engine, search_indexed_db, search_whitespace, seenstate_db
    case serverinfo, serverlist_select_mode, smtp_backend, sortcache_db, sql_engine, statuscache_db, subscription_db
    case sync_cache_db, tls_client_certs, tls_sessions_db, uidl_format, userdeny_db, virtdomains, zoneinfo_db
}
