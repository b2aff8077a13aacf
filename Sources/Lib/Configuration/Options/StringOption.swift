/// Options that are text and have a default.
public enum StringOption: Int, CaseIterable, Sendable {
    case addressbookprefix, admins, altprefix, autocreate_users, caldav_maxdatetime, caldav_mindatetime
    case calendar_default_displayname, calendarprefix, davdriveprefix, davnotificationsprefix, defaultacl, defaultdomain
    case defaultsearchtier, deletedprefix, deleteright, event_exclude_specialuse, idlesocket, implicit_owner_rights
    case jmappushsubscriptionfolder, jmapsubmissionfolder, jmapuploadfolder, ldap_base, ldap_domain_base_dn, ldap_domain_filter
    case ldap_domain_name_attribute, ldap_domain_result_attribute, ldap_filter, ldap_group_base, ldap_group_filter
    case ldap_member_base, ldap_member_filter, lmtp_exclude_specialuse, lmtpsocket, loginrealms, mupdate_username, newsgroups
    case master_ready_file
    case newsmaster, notifysocket, postmaster, postuser, proxy_authname, rss_feeds, sendmail, sendmail_auth_id, sharedprefix
    case sieve_folder, sievedir, smtp_host, specialuse_protect, sql_hostnames, srvtab, sync_log_unsuppressable_channels
    case temp_path, tls_ciphers, tls_eccurve, tls_versions, umask, userprefix, virusscan_notification_subject
}
