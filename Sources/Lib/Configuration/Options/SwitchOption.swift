/// Options that are yes or no.
public enum SwitchOption: Int, CaseIterable, Sendable {
    case acl_admin_implies_write, allowallsubscribe, allowanonymouslogin, allowapop, allowdeleted, allownewnews, allowplaintext
    case allowsetacl, allowusermoves, altnamespace, annotation_allow_undefined, annotation_callout_disable_append
    case annotation_enable_legacy_commands, anyoneuseracl, anysievefolder, archive_enabled, archive_keepflagged, auditlog
    case autocreate_post, autocreate_sieve_script_compile, autocreate_subscribe_sharedfolders_all, autoexpunge
    case backup_keep_previous, caldav_accept_invalid_rrules, caldav_allowattach, caldav_allowcalendaradmin, caldav_create_attach
    case caldav_create_default, caldav_create_sched, carddav_allowaddmember, carddav_allowaddressbookadmin, chatty, client_bind
    case conversations, conversations_keep_existing, crossdomains, crossdomains_onlyother, debug, delete_unsubscribe
    case disable_shared_namespace, disable_user_namespace, disconnect_on_vanished_mailbox, duplicatesuppression, fastmailsharing
    case foolstupidclients, fulldirhash, hashimapspool, httpallowcompress, httpallowtrace, httpcontentmd5, httpprettytelemetry
    case ignorereference, imapidresponse, imapmagicplus, improved_mboxlist_sort, iolog, ischedule_dkim_required
    case jmap_nonstandard_extensions, jmap_set_has_attachment, jmap_vacation, jmapsubmission_deleteonsend, ldap_referrals
    case ldap_restart, ldap_sasl, ldap_start_tls, ldap_verify_peer, literalminus, lmtp_downcase_rcpt, lmtp_fuzzy_mailbox_match
    case lmtp_over_quota_perm_failure, lmtp_preparse, lmtp_strict_quota, lmtp_strict_rfc2821, loginuseacl, logtimestamps
    case mailbox_legacy_dirs, master_bind_errors_fatal, munge8bit, object_storage_enabled, openio_autocreate, popsubfolders
    case popuseacl, popuseimapflags, prometheus_enabled, proxy_compress, proxyd_allow_status_referral
    case proxyd_disable_mailbox_referrals, ptskrb5_convert524, ptskrb5_strip_default_realm, quota_use_conversations, readonly
    case reject8bit, reverseacls, rfc2046_strict, rfc2047_utf8, rfc3028_strict, search_fuzzy_always, search_index_headers
    case search_index_language, search_skipdiacrit, search_skiphtml, sieve_allowreferrals, sieve_sasl_send_unsolicited_capability
    case sieve_use_lmtp_reject, sieve_utf8fileinto, sieveusehomedir, singleinstancestore, skiplist_always_checkpoint
    case skiplist_unsafe, soft_noauth, specialusealways, sql_usessl, srs_alwaysrewrite, statuscache, sync_log, sync_log_chain
    case sync_try_imap, tcp_keepalive, telemetry_bysessionid, tls_prefer_server_ciphers, tls_required, unix_group_enable
    case unixhierarchysep, username_tolower, xbackup_enabled
}
