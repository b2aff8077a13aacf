import Service

ServiceLoop.run(IMAPService.self, program: "imapd")
