import Service

ServiceLoop.run(LMTPService.self, program: "lmtpd")
