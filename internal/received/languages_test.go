package received

import "testing"

// Bounces, notices and listings in other languages, as people, programs and translated pages write them: HELO name,
// address and time are found where they stand in them.
func TestReadLanguages(t *testing.T) {
	at := `"ip": "203.0.113.9", "time": "2015-12-04T14:30:00Z"`
	both := `{"helo": "mail.com", ` + at + `}`
	readAll(t, "", []pasted{
		{"German, listing", "Die IP-Adresse 203.0.113.9 ist gelistet seit 05.12.2015 10:00 Uhr MEZ. Zuletzt wurde sie am 04.12.2015 um 15:30 Uhr MEZ gesehen. Der HELO-Name war „mail.com“.", both, nil, nil},
		{"German, notice", "Am Freitag, 4. Dezember 2015, 15:30 Uhr MEZ hat Ihr Server 203.0.113.9 Spam versendet und meldete sich mit HELO mail.com.", both, nil, nil},
		{"German, reported", "Am 05.12.2015 um 10:00 Uhr MEZ wurde uns Spam von 203.0.113.9 gemeldet (Ereignis: 04.12.2015 15:30 MEZ, HELO: mail.com).", both, nil, nil},
		{"German, points", "203.0.113.9 zuletzt festgestellt: 4. Dez. 2015 15.30 Uhr MEZ, HELO=mail.com", both, nil, nil},
		{"Dutch", "Het IP-adres 203.0.113.9 staat op de lijst. Laatst gezien op 4 december 2015 om 15:30 uur CET. De host meldde zich met HELO mail.com.", both, nil, nil},
		{"Dutch, hyphens", "Spam ontvangen van 203.0.113.9 op 04-12-2015 15:30 CET, de HELO-naam was mail.com", both, nil, nil},
		{"Dutch, month", "203.0.113.9: laatste detectie 4 dec. 2015 14:30 UTC; HELO: mail.com", both, nil, nil},
		{"French", "L'adresse IP 203.0.113.9 est listée depuis le 5 décembre 2015 à 10:00 UTC. Elle a été vue pour la dernière fois le 4 décembre 2015 à 14h30 UTC. Le serveur s'est présenté comme mail.com.", both, nil, nil},
		{"French, HELO", "Dernière détection : 04/12/2015 à 14:30 UTC (+/- 15 minutes), IP : 203.0.113.9, nom HELO : « mail.com »", `{"ip": "203.0.113.9", "helo": "mail.com"}`, nil, nil},
		{"French, day", "Le vendredi 4 déc. 2015 à 15:30 CET votre serveur 203.0.113.9 a envoyé du spam avec le HELO mail.com", both, nil, nil},
		{"Spanish", "La dirección IP 203.0.113.9 está listada. Fue vista por última vez el 4 de diciembre de 2015 a las 14:30 UTC. El servidor se identificó como mail.com.", both, nil, nil},
		{"Spanish, HELO", "Su servidor 203.0.113.9 envió spam el viernes, 4 de diciembre de 2015, 14:30 GMT con el HELO mail.com", both, nil, nil},
		{"Spanish, short", "Última detección: 4 dic 2015 14:30 UTC; IP 203.0.113.9; HELO como mail.com", both, nil, nil},
		{"Portuguese", "O endereço IP 203.0.113.9 está listado. Foi visto pela última vez em 4 de dezembro de 2015 às 14:30 UTC. O servidor apresentou-se como mail.com.", both, nil, nil},
		{"Portuguese, HELO", "Seu servidor 203.0.113.9 enviou spam em 04/dez/2015 14:30 UTC, com o HELO mail.com", both, nil, nil},
		{"Portuguese, day", "Última detecção: sexta-feira, 4 de dezembro de 2015 às 14h30 UTC. IP: 203.0.113.9. HELO: mail.com", both, nil, nil},
		{"Russian", "IP-адрес 203.0.113.9 внесён в список 05.12.2015 в 10:00 МСК. Последний раз замечен 4 декабря 2015 г. в 17:30 МСК. Сервер представился как mail.com.", both, nil, nil},
		{"Russian, HELO", "04.12.2015 в 14:30 UTC с вашего сервера 203.0.113.9 отправлен спам, HELO: mail.com", both, nil, nil},
		{"Russian, Greenwich", "Последнее обнаружение: 4 дек 2015 14:30 по Гринвичу (±15 минут), адрес 203.0.113.9, имя HELO «mail.com»", `{"helo": "mail.com", "uncertainty": 900, ` + at + `}`, nil, nil},
		{"Ukrainian", "IP-адреса 203.0.113.9 внесена до списку. Останній раз виявлено 4 грудня 2015 року о 14:30 UTC. Сервер назвався як mail.com.", both, nil, nil},
		{"Ukrainian, HELO", "4 грудня 2015 р. о 14:30 UTC з вашого сервера 203.0.113.9 надіслано спам, ім'я HELO: mail.com", both, nil, nil},
		{"Ukrainian, margin", "Зафіксовано 04.12.2015 14:30 GMT ± 15 хвилин, 203.0.113.9, HELO=mail.com", `{"helo": "mail.com", "uncertainty": 900, ` + at + `}`, nil, nil},
		{"Japanese", "IPアドレス 203.0.113.9 は登録されています。最後の検出は 2015年12月4日 23時30分 (JST) です。HELO名は「mail.com」でした。", both, nil, nil},
		{"Japanese, named", "2015年12月4日 14:30 UTC に 203.0.113.9 から「mail.com」と名乗るスパムを受信しました。", both, nil, nil},
		{"Japanese, margin", "検出日時: 2015/12/04 14:30 UTC ±15分 IP: 203.0.113.9 HELO: mail.com", `{"helo": "mail.com", "uncertainty": 900, ` + at + `}`, nil, nil},
	})
}

// Bounces of this host's own mail server, its words translated.
func TestReadOwnBouncesInLanguages(t *testing.T) {
	status := "\nReceived: by web1.example.org (Postfix, from userid 33)\n\tid 09E8; Tue, 11 Oct 2022 12:38:55 +0000\n"
	want := `{"destination": "198.51.100.25", "recipient": "victim@example.net", "reply": "550 no", "handed_in": {"uid": 33}, ` + theDay + `}`
	none := []string{"ip", "helo"}
	readAll(t, kindOwnBounce, []pasted{
		{"German", "Dies ist das Mailsystem auf dem Rechner web1.example.org.\n\n<victim@example.net>: Rechner mx.example.net[198.51.100.25] antwortete: 550 no\n" + status, want, none, nil},
		{"Dutch", "Dit is het mailsysteem op host web1.example.org.\n\n<victim@example.net>: host mx.example.net[198.51.100.25] zei: 550 no\n" + status, want, none, nil},
		{"French", "Ceci est le système de messagerie de l'hôte web1.example.org.\n\n<victim@example.net>: l'hôte mx.example.net[198.51.100.25] a dit : 550 no\n" + status, want, none, nil},
		{"Spanish", "Este es el sistema de correo en el host web1.example.org.\n\n<victim@example.net>: host mx.example.net[198.51.100.25] dijo: 550 no\n" + status, want, none, nil},
		{"Portuguese", "Este é o sistema de correio no servidor web1.example.org.\n\n<victim@example.net>: servidor mx.example.net[198.51.100.25] disse: 550 no\n" + status, want, none, nil},
		{"Russian", "Это почтовая система на узле web1.example.org.\n\n<victim@example.net>: узел mx.example.net[198.51.100.25] ответил: 550 no\n" + status, want, none, nil},
		{"Ukrainian", "Це поштова система на вузлі web1.example.org.\n\n<victim@example.net>: вузол mx.example.net[198.51.100.25] відповів: 550 no\n" + status, want, none, nil},
		{"Japanese", "こちらは web1.example.org のメールシステムです。\n\n<victim@example.net>: ホスト mx.example.net[198.51.100.25] の応答: 550 no\n" + status, want, none, nil},
	})
}

// Bounces of programs that speak other languages.
func TestReadBouncesInLanguages(t *testing.T) {
	hop := "Received: from mail.com (web1.example.org [203.0.113.9]) by mx.example.net with ESMTP id 3; Tue, 11 Oct 2022 12:38:55 +0000\n"
	head := func(subject string) string {
		return "From: postmaster@mx.example.net\nTo: a@example.org\nSubject: " + subject + "\nDate: Tue, 11 Oct 2022 12:39:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n"
	}
	want := `{"helo": "mail.com", "ip": "203.0.113.9", ` + theDay + `}`
	readAll(t, kindBounce, []pasted{
		{"German", head("Unzustellbar: x") + "Ihre Nachricht konnte nicht zugestellt werden.\nDiagnoseinformationen für Administratoren:\nGenerierender Server: mx.example.net\n\nUrsprüngliche Nachrichtenkopfzeilen:\n\n" + hop, want, nil, nil},
		{"Dutch", head("Onbestelbaar: x") + "Diagnostische gegevens voor beheerders:\nGeneratieserver: mx.example.net\n\nOorspronkelijke berichtkoppen:\n\n" + hop, want, nil, nil},
		{"French", head("Non remis : x") + "Informations de diagnostic pour les administrateurs :\nServeur de génération : mx.example.net\n\nEn-têtes de message d'origine :\n\n" + hop, want, nil, nil},
		{"Spanish", head("No se puede entregar: x") + "Información de diagnóstico para administradores:\nServidor de generación: mx.example.net\n\nEncabezados de mensajes originales:\n\n" + hop, want, nil, nil},
		{"Portuguese", head("Não entregue: x") + "Informações de diagnóstico para administradores:\nServidor gerador: mx.example.net\n\nCabeçalhos de mensagens originais:\n\n" + hop, want, nil, nil},
		{"Russian", head("Недоставлено: x") + "Диагностические сведения для администраторов:\nФормирующий сервер: mx.example.net\n\nИсходные заголовки сообщения:\n\n" + hop, want, nil, nil},
		{"Russian, Exim", head("Mail failure") + "Это письмо создано автоматически сервером mx.example.net, отвечать на него не нужно.\nК сожалению, Ваше письмо не может быть доставлено:\n\n" + hop, want, nil, nil},
		{"Ukrainian", head("Не вдалося доставити: x") + "Діагностичні відомості для адміністраторів:\nСервер: mx.example.net\n\n" + hop, want, nil, nil},
		{"Japanese", head("配信不能: x") + "管理者向けの診断情報:\n生成サーバー: mx.example.net\n\n元のメッセージ ヘッダー:\n\n" + hop, want, nil, nil},
	})
}
