/* SPDX-License-Identifier: Apache-2.0 */
/* { what, version, input, transcript }: see test_frame_parser.c. */
{ "v12_001: LF line ends", STOMP_1_2,
  INPUT("SEND\ndestination:/queue/a\n\nhi\0"),
  "SEND [destination=/queue/a] body=hi\nidle" },
    { "v12_002: CR LF line ends", STOMP_1_2,
      INPUT("SEND\r\ndestination:/queue/a\r\n\r\nhi\0\r\n"),
      "SEND [destination=/queue/a] body=hi\nidle" },
    { "v12_003: LF and CR LF mixed", STOMP_1_2,
      INPUT("SEND\r\na:1\nb:2\r\n\nhi\0"), "SEND [a=1] [b=2] body=hi\nidle" },
    { "v12_004: a CR without LF in a header line", STOMP_1_2,
      INPUT("SEND\na:x\ry\n\n\0"),
      "invalid: line 2 of the frame (\"a:x\\x0dy\") ho"
      "lds a CR that no LF follows\nrejected: SEND\n" },
    { "v12_004: a CR without LF in the command line", STOMP_1_2,
      INPUT("SE\rND\n\n\0"),
      "invalid: line 1 of the frame (\"SE\\x0dND\") ho"
      "lds a CR that no LF follows\nrejected: \n" },
    { "v12_004: a CR before CR LF", STOMP_1_2, INPUT("SEND\na:x\r\r\n\n\0"),
      "invalid: line 2 of the frame (\"a:x\\x0d\") hol"
      "ds a CR that no LF follows\nrejected: SEND\n" },
    { "v12_005: no header at all", STOMP_1_2, INPUT("DISCONNECT\n\n\0"),
      "DISCONNECT\nidle" },
    { "v12_006: the body starts after the empty line", STOMP_1_2,
      INPUT("SEND\n\n\n\r\na:b\0"), "SEND body=\\x0a\\x0d\\x0aa:b\nidle" },
    { "v12_007: EOLs between frames", STOMP_1_2,
      INPUT("\n\r\n\nACK\n\n\0\n\n\r\n\r\nACK\n\n\0\n"), "ACK\nACK\nidle" },
    { "v12_008: a lone CR waits for its LF", STOMP_1_2, INPUT("ACK\n\n\0\r"),
      "ACK\ninside" },
    { "v12_009: two frames in one read", STOMP_1_2,
      INPUT("BEGIN\ntransaction:t\n\n\0COMMIT\ntransaction:t"
            "\n\n\0"),
      "BEGIN [transaction=t]\nCOMMIT [transaction=t]\n"
      "idle" },
    { "v12_011: commands are case sensitive", STOMP_1_2, INPUT("send\n\n\0"),
      "send\nidle" },
    { "v12_012: header names are case sensitive", STOMP_1_2,
      INPUT("SEND\nReceipt:1\nreceipt:2\n\n\0"),
      "SEND [Receipt=1] [receipt=2]\nidle" },
    { "v12_013: UTF-8 in names and values", STOMP_1_2,
      INPUT("SEND\nd\303\251j\303\240:\342\202\254\n\n\0"),
      "SEND [d\\xc3\\xa9j\\xc3\\xa0=\\xe2\\x82\\xac]\n"
      "idle" },
    { "v12_014: invalid UTF-8 in a value", STOMP_1_2,
      INPUT("SEND\na:\377\n\n\0"),
      "invalid: line 2 of the frame (\"a:\\xff\") is n"
      "ot valid UTF-8\nrejected: SEND\n" },
    { "v12_014: invalid UTF-8 in a command", STOMP_1_2,
      INPUT("S\300\200\n\n\0"),
      "invalid: line 1 of the frame (\"S\\xc0\\x80\") "
      "is not valid UTF-8\nrejected: \n" },
    { "v12_015: no header name", STOMP_1_2,
      INPUT("SEND\nreceipt:7\n:value\n\n\0"),
      "invalid: line 3 of the frame (\":value\") has n"
      "o header name before its colon\nrejected: SEND "
      "[receipt=7]\n" },
    { "v12_016: no colon", STOMP_1_2, INPUT("SEND\nreceipt:7\nvalue\n\n\0"),
      "invalid: line 3 of the frame (\"value\") has no"
      " colon; a header is name:value\nrejected: SEND "
      "[receipt=7]\n" },
    { "v12_017: an empty value", STOMP_1_2, INPUT("SEND\nfoo:\nbar:\r\n\n\0"),
      "SEND [foo=] [bar=]\nidle" },
    { "v12_018: the first colon splits (D19: more are raw)", STOMP_1_2,
      INPUT("SEND\nfoo:a:b::\n\n\0"), "SEND [foo=a:b::]\nidle" },
    { "v12_019: blanks stay", STOMP_1_2, INPUT("SEND\n a : b \t\n\n\0"),
      "SEND [ a = b \\x09]\nidle" },
    { "v12_020: a NUL in the headers", STOMP_1_2,
      INPUT("SEND\nreceipt:7\nfoo:b\0ar\n\n\0"),
      "invalid: a NUL stands in line 3 of the frame, b"
      "efore the empty line that ends the headers; in front of it: "
      "\"foo:b\"\nrej"
      "ected: SEND [receipt=7]\n" },
    { "v12_020: the empty line forgotten", STOMP_1_2,
      INPUT("SEND\nreceipt:7\n\0"),
      "invalid: a NUL stands in line 3 of the frame, b"
      "efore the empty line that ends the headers; in front of it: "
      "\"\"\nrej"
      "ected: SEND [receipt=7]\n" },
    { "v12_020: a NUL in the command", STOMP_1_2, INPUT("DISCONNECT\0"),
      "invalid: a NUL stands in line 1 of the frame, b"
      "efore the empty line that ends the headers; in front of it: "
      "\"DISCONNECT\"\nrej"
      "ected: \n" },
    { "v12_021: an unknown command is handed out", STOMP_1_2,
      INPUT("HELLO\na:b\n\nx\0"), "HELLO [a=b] body=x\nidle" },
    { "v12_022: a server command is handed out", STOMP_1_2,
      INPUT("RECEIPT\nreceipt-id:1\n\n\0"), "RECEIPT [receipt-id=1]\nidle" },
    { "v12_030: escapes in a value", STOMP_1_2,
      INPUT("SEND\nfoo:\\n\\r\\c\\\\\n\n\0"),
      "SEND [foo=\\x0a\\x0d:\\x5c]\nidle" },
    { "v12_031: escapes in a name", STOMP_1_2, INPUT("SEND\nf\\co\\no:x\n\n\0"),
      "SEND [f:o\\x0ao=x]\nidle" },
    { "v12_032: decoded once from left to right", STOMP_1_2,
      INPUT("SEND\na:\\\\n\nb:\\\\\\\\c\n\n\0"),
      "SEND [a=\\x5cn] [b=\\x5c\\x5cc]\nidle" },
    { "v12_033: \\t is no escape", STOMP_1_2, INPUT("SEND\nid:1\na:\\t\n\n\0"),
      "invalid: line 3 of the frame (\"a:\\x5ct\") has"
      " a backslash that starts no escape; defined are"
      " \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND "
      "[id=1]\n" },
    { "v12_033: \\0 is no escape", STOMP_1_2, INPUT("SEND\nid:1\na:\\0\n\n\0"),
      "invalid: line 3 of the frame (\"a:\\x5c0\") has"
      " a backslash that starts no escape; defined are"
      " \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND "
      "[id=1]\n" },
    { "v12_033: \\\" is no escape", STOMP_1_2,
      INPUT("SEND\nid:1\na:\\\"\n\n\0"),
      "invalid: line 3 of the frame (\"a:\\x5c\"\") ha"
      "s a backslash that starts no escape; defined ar"
      "e \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND"
      " [id=1]\n" },
    { "v12_033: \\N is no escape", STOMP_1_2, INPUT("SEND\nid:1\na:\\N\n\n\0"),
      "invalid: line 3 of the frame (\"a:\\x5cN\") has"
      " a backslash that starts no escape; defined are"
      " \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND "
      "[id=1]\n" },
    { "v12_033: \\C is no escape", STOMP_1_2, INPUT("SEND\nid:1\na:\\C\n\n\0"),
      "invalid: line 3 of the frame (\"a:\\x5cC\") has"
      " a backslash that starts no escape; defined are"
      " \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND "
      "[id=1]\n" },
    { "v12_034: a lone backslash ends a value", STOMP_1_2,
      INPUT("SEND\na:b\\\n\n\0"),
      "invalid: line 2 of the frame (\"a:b\\x5c\") has"
      " a backslash that starts no escape; defined are"
      " \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND\n" },
    { "v12_034: a lone backslash ends a name", STOMP_1_2,
      INPUT("SEND\na\\:b\n\n\0"),
      "invalid: line 2 of the frame (\"a\\x5c:b\") has"
      " a backslash that starts no escape; defined are"
      " \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND\n" },
    { "v12_036: CONNECT is not unescaped", STOMP_NONE,
      INPUT("CONNECT\naccept-version:1.2\npasscode:a\\cb\nlo"
            "gin:a:b\\\n\n\0"),
      "CONNECT [accept-version=1.2] [passcode=a\\x5ccb"
      "] [login=a:b\\x5c]\nidle" },
    { "v12_036: nor is a second CONNECT", STOMP_1_2,
      INPUT("CONNECT\npasscode:a\\tb\n\n\0"),
      "CONNECT [passcode=a\\x5ctb]\nidle" },
    { "d3: nor is STOMP", STOMP_NONE,
      INPUT("STOMP\naccept-version:1.2\npasscode:a\\tb\n\n\0"),
      "STOMP [accept-version=1.2] [passcode=a\\x5ctb]\n"
      "idle" },
    { "v12_037: nor is CONNECTED", STOMP_1_2,
      INPUT("CONNECTED\nsession:a\\tb\n\n\0"),
      "CONNECTED [session=a\\x5ctb]\nidle" },
    { "v12_050: a content-length on ACK", STOMP_1_2,
      INPUT("ACK\nid:1\ncontent-length:2\n\nhi\0"),
      "invalid: ACK frames have no body, but the conte"
      "nt-length of this one is 2\nrejected: ACK [id=1"
      "] [content-length=2]\n" },
    { "d5: a body without content-length is handed out", STOMP_1_2,
      INPUT("ACK\nid:1\n\nhi\0"), "ACK [id=1] body=hi\nidle" },
    { "d5: 1.0 reads a body where none should be", STOMP_1_0,
      INPUT("SUBSCRIBE\ncontent-length:2\n\nhi\0"),
      "SUBSCRIBE [content-length=2] body=hi\nidle" },
    { "v12_051: content-length 0 on any frame", STOMP_1_2,
      INPUT("ACK\ncontent-length:0\ncontent-type:text/plain\n"
            "\n\0"),
      "ACK [content-length=0] [content-type=text/plain"
      "]\nidle" },
    { "v12_052: NULs in a counted body", STOMP_1_2,
      INPUT("SEND\ncontent-length:4\n\na\0\0b\0"),
      "SEND [content-length=4] body=a\\x00\\x00b\nidle" },
    { "v12_053: no NUL behind a counted body", STOMP_1_2,
      INPUT("SEND\ncontent-length:2\n\nabc\0"),
      "invalid: the 2 bytes of the body that content-l"
      "ength promises are followed by 0x63, not by NUL"
      "\nrejected: SEND [content-length=2]\n" },
    { "v12_054: the first NUL ends an uncounted body", STOMP_1_2,
      INPUT("SEND\n\nab\0\0cd\n\n\0"), "SEND body=ab\ncd\nidle" },
    { "v12_055: content-length \"\"", STOMP_1_2,
      INPUT("SEND\ncontent-length:\n\nx\0"),
      "invalid: content-length \"\" is not a plain dec"
      "imal number of bytes\nrejected: SEND [content-l"
      "ength=]\n" },
    { "v12_055: content-length \"-1\"", STOMP_1_2,
      INPUT("SEND\ncontent-length:-1\n\nx\0"),
      "invalid: content-length \"-1\" is not a plain d"
      "ecimal number of bytes\nrejected: SEND [content"
      "-length=-1]\n" },
    { "v12_055: content-length \"+1\"", STOMP_1_2,
      INPUT("SEND\ncontent-length:+1\n\nx\0"),
      "invalid: content-length \"+1\" is not a plain d"
      "ecimal number of bytes\nrejected: SEND [content"
      "-length=+1]\n" },
    { "v12_055: content-length \" 1\"", STOMP_1_2,
      INPUT("SEND\ncontent-length: 1\n\nx\0"),
      "invalid: content-length \" 1\" is not a plain d"
      "ecimal number of bytes\nrejected: SEND [content"
      "-length= 1]\n" },
    { "v12_055: content-length \"1 \"", STOMP_1_2,
      INPUT("SEND\ncontent-length:1 \n\nx\0"),
      "invalid: content-length \"1 \" is not a plain d"
      "ecimal number of bytes\nrejected: SEND [content"
      "-length=1 ]\n" },
    { "v12_055: content-length \"0x2\"", STOMP_1_2,
      INPUT("SEND\ncontent-length:0x2\n\nx\0"),
      "invalid: content-length \"0x2\" is not a plain "
      "decimal number of bytes\nrejected: SEND [conten"
      "t-length=0x2]\n" },
    { "v12_055: content-length \"2a\"", STOMP_1_2,
      INPUT("SEND\ncontent-length:2a\n\nx\0"),
      "invalid: content-length \"2a\" is not a plain d"
      "ecimal number of bytes\nrejected: SEND [content"
      "-length=2a]\n" },
    { "v12_055: content-length \"1.0\"", STOMP_1_2,
      INPUT("SEND\ncontent-length:1.0\n\nx\0"),
      "invalid: content-length \"1.0\" is not a plain "
      "decimal number of bytes\nrejected: SEND [conten"
      "t-length=1.0]\n" },
    { "v12_055: content-length 33", STOMP_1_2,
      INPUT("SEND\ncontent-length:33\n\nx\0"),
      "too big: content-length 33 is above the limit o"
      "f 32 bytes\nrejected: SEND [content-length=33]\n" },
    { "v12_055: content-length 9223372036854775808", STOMP_1_2,
      INPUT("SEND\ncontent-length:9223372036854775808\n\nx\0"),
      "too big: content-length 9223372036854775808 is "
      "above the limit of 32 bytes\nrejected: SEND [co"
      "ntent-length=9223372036854775808]\n" },
    { "v12_055: content-length 18446744073709551616", STOMP_1_2,
      INPUT("SEND\ncontent-length:18446744073709551616\n\nx\0"),
      "too big: content-length 18446744073709551616 is"
      " above the limit of 32 bytes\nrejected: SEND [c"
      "ontent-length=18446744073709551616]\n" },
    { "v12_055: content-length 999999999999999999999", STOMP_1_2,
      INPUT("SEND\ncontent-length:999999999999999999999\n\nx"
            "\0"),
      "too big: content-length 999999999999999999999 i"
      "s above the limit of 32 bytes\nrejected: SEND ["
      "content-length=999999999999999999999]\n" },
    { "v12_055: leading zeros are digits", STOMP_1_2,
      INPUT("SEND\ncontent-length:0000000000000000000002\n\n"
            "hi\0"),
      "SEND [content-length=0000000000000000000002] bo"
      "dy=hi\nidle" },
    { "v12_057: content-length counts octets", STOMP_1_2,
      INPUT("SEND\ncontent-length:3\n\n\342\202\254\0"),
      "SEND [content-length=3] body=\\xe2\\x82\\xac\ni"
      "dle" },
    { "v12_080: the first of repeated names counts", STOMP_1_2,
      INPUT("SEND\ndestination:a\ndestination:b\nx:1\nx:2\n\n"
            "\0"),
      "SEND [destination=a] [x=1]\nidle" },
    { "v12_080: names repeat as decoded", STOMP_1_2,
      INPUT("SEND\nf\\co:1\nf\\co:2\n\n\0"), "SEND [f:o=1]\nidle" },
    { "v12_081: the first content-length counts", STOMP_1_2,
      INPUT("SEND\ncontent-length:1\ncontent-length:2\n\nx\0"),
      "SEND [content-length=1] body=x\nidle" },
    { "v12_083: as many headers as allowed", STOMP_1_2,
      INPUT("SEND\na:\nb:\nc:\nd:\ne:\nf:\n\n\0"),
      "SEND [a=] [b=] [c=] [d=] [e=] [f=]\nidle" },
    { "v12_083: one header too many", STOMP_1_2,
      INPUT("SEND\na:\nb:\nc:\nd:\ne:\nf:\ng:\n\n\0"),
      "too big: the frame has more than the limit of 6"
      " headers\nrejected: SEND [a=] [b=] [c=] [d=] [e"
      "=] [f=]\n" },
    { "v12_083: repeats count", STOMP_1_2,
      INPUT("SEND\na:\na:\na:\na:\na:\na:\na:\n\n\0"),
      "too big: the frame has more than the limit of 6"
      " headers\nrejected: SEND [a=]\n" },
    { "v12_084: a header line at the limit", STOMP_1_2,
      INPUT("SEND\nk:vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\r"
            "\n\n\0"),
      "SEND [k=vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv]"
      "\nidle" },
    { "v12_084: a header line above the limit", STOMP_1_2,
      INPUT("SEND\nk:vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
            "\n\n\0"),
      "too big: line 2 of the frame (\"k:vvvvvvvvvvvvv"
      "vvvvvvvvvvvvvvvvvvvvvvvvvv\") is above the limi"
      "t of 40 bytes\nrejected: SEND\n" },
    { "v12_084: a header line without end", STOMP_1_2,
      INPUT("SEND\nid:1\nk:vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
            "vvvvvvvvv"),
      "too big: line 3 of the frame (\"k:vvvvvvvvvvvvv"
      "vvvvvvvvvvvvvvvvvvvvvvvvvvv\") is above the lim"
      "it of 40 bytes\nrejected: SEND [id=1]\n" },
    { "v12_020: a NUL before the limit of a line", STOMP_1_2,
      INPUT("SEND\nk:vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\0"
            "vv\n"),
      "invalid: a NUL stands in line 2 of the frame, b"
      "efore the empty line that ends the headers; in front of it: "
      "\"k:vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\"\nrej"
      "ected: SEND\n" },
    { "v12_084: header lines above the limit together", STOMP_1_2,
      INPUT("SEND\na:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nb"
            ":xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nc:yyyyyy"
            "yyyyyyyyyyyyyyyyyyyyyyyy\n\n\0"),
      "too big: the header lines of the frame, up to l"
      "ine 4 (\"c:yyyyyyyyyyyyyyyyyyyyyyyy\"), are abo"
      "ve the limit of 100 bytes\nrejected: SEND [a=xx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx] [b=xxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxx]\n" },
    { "v12_085: an uncounted body at the limit", STOMP_1_2,
      INPUT("SEND\n\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\0"),
      "SEND body=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nidl"
      "e" },
    { "v12_085: an uncounted body above the limit", STOMP_1_2,
      INPUT("SEND\n\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\0"),
      "too big: the body, which no content-length anno"
      "unces, is above the limit of 32 bytes\nrejected"
      ": SEND\n" },
    { "v12_085: a counted body at the limit", STOMP_1_2,
      INPUT("SEND\ncontent-length:32\n\nbbbbbbbbbbbbbbbbbbbb"
            "bbbbbbbbbbbb\0"),
      "SEND [content-length=32] body=bbbbbbbbbbbbbbbbb"
      "bbbbbbbbbbbbbbb\nidle" },
    { "v12_086: a command line without end", STOMP_1_2,
      INPUT("GET /index.html HTTP/1.1"),
      "too big: the command line (\"GET /index.html HT"
      "\") is above the limit of 16 bytes\nrejected: \n" },
    { "v12_086: a command line above the limit", STOMP_1_2,
      INPUT("ABCDEFGHIJKLMNOPQ\n\n\0"),
      "too big: the command line (\"ABCDEFGHIJKLMNOPQ\""
      ") is above the limit of 16 bytes\nrejected: \n" },
    { "v11_001: CR is an octet of a 1.1 value", STOMP_1_1,
      INPUT("SEND\na:x\ry\n\n\0"), "SEND [a=x\\x0dy]\nidle" },
    { "d2: CR LF ends a 1.1 line", STOMP_1_1, INPUT("SEND\r\na:x\r\n\r\n\0"),
      "SEND [a=x]\nidle" },
    { "v11_002: \\r is undefined in 1.1", STOMP_1_1, INPUT("SEND\na:\\r\n\n\0"),
      "invalid: line 2 of the frame (\"a:\\x5cr\") has"
      " a backslash that starts no escape; defined are"
      " \\n \\c \\\\ and, in 1.2, \\r\nrejected: SEND\n" },
    { "v11_002: the other escapes of 1.1", STOMP_1_1,
      INPUT("SEND\na:\\n\\c\\\\\n\n\0"), "SEND [a=\\x0a:\\x5c]\nidle" },
    { "v11_015: blanks stay in 1.1", STOMP_1_1, INPUT("SEND\na: b \n\n\0"),
      "SEND [a= b ]\nidle" },
    { "d6: invalid UTF-8 in 1.1", STOMP_1_1,
      INPUT("SEND\na:\355\240\200\n\n\0"),
      "invalid: line 2 of the frame (\"a:\\xed\\xa0\\x"
      "80\") is not valid UTF-8\nrejected: SEND\n" },
    { "v10_002: CONNECT without headers", STOMP_NONE, INPUT("CONNECT\n\n\0\n"),
      "CONNECT\nidle" },
    { "v10_003: no escapes in 1.0", STOMP_1_0, INPUT("SEND\na:\\n\\t\\\n\n\0"),
      "SEND [a=\\x5cn\\x5ct\\x5c]\nidle" },
    { "v10_004: colons in a 1.0 value", STOMP_1_0, INPUT("SEND\nfoo:a:b\n\n\0"),
      "SEND [foo=a:b]\nidle" },
    { "v10_005: padding of a 1.0 value", STOMP_1_0,
      INPUT("SEND\ndestination: /queue/a \t \nb:  c\nd: \n\n"
            "\0"),
      "SEND [destination=/queue/a] [b= c] [d=]\nidle" },
    { "v10_005: padding of CONNECT without accept-version", STOMP_NONE,
      INPUT("CONNECT\nlogin: me \ncontent-length: 0\n\n\0"),
      "CONNECT [login=me] [content-length=0]\nidle" },
    { "i20: no trimming of CONNECT with accept-version", STOMP_NONE,
      INPUT("CONNECT\naccept-version:1.1\nlogin: me \n\n\0"),
      "CONNECT [accept-version=1.1] [login= me ]\nidle" },
    { "v10_006: CR LF in 1.0", STOMP_1_0, INPUT("SEND\r\na:b\r\n\r\n\0"),
      "SEND [a=b]\nidle" },
    { "v10_024: octets above 127 pass in 1.0", STOMP_1_0,
      INPUT("SEND\na:\377\n\n\0"), "SEND [a=\\xff]\nidle" },
    { "d6: CONNECT of 1.2 is checked for UTF-8", STOMP_NONE,
      INPUT("CONNECT\naccept-version:1.2\nlogin:\377\n\n\0"),
      "invalid: line 3 of the frame (\"login:\\xff\") "
      "is not valid UTF-8\nrejected: CONNECT [accept-v"
      "ersion=1.2] [login=\\xff]\n" },
    { "d6: CONNECT of 1.0 is not", STOMP_NONE,
      INPUT("CONNECT\nlogin:\377\n\n\0"), "CONNECT [login=\\xff]\nidle" },
    { "v12_004: CONNECT of 1.2 is checked for bare CRs", STOMP_NONE,
      INPUT("CONNECT\naccept-version:1.2\nlogin:a\rb\n\n\0"),
      "invalid: line 3 of the frame (\"login:a\\x0db\""
      ") holds a CR that no LF follows\nrejected: CONN"
      "ECT [accept-version=1.2] [login=a\\x0db]\n" },
    { "d1: EOLs before the first frame", STOMP_NONE,
      INPUT("\r\n\n\nCONNECT\n\n\0"), "CONNECT\nidle" },
    { "d1: a byte order mark", STOMP_NONE, INPUT("\357\273\277CONNECT\n\n\0"),
      "invalid: a byte order mark (EF BB BF) stands be"
      "fore the command; a frame starts with its comma"
      "nd\nrejected: \n" },
    { "d20: lone NULs between frames", STOMP_1_2,
      INPUT("\0\0ACK\n\n\0\0\n\0ACK\n\n\0"), "ACK\nACK\nidle" },
    { "nothing at all", STOMP_1_2, INPUT(""), "idle" },
    { "a frame that never ends", STOMP_1_2, INPUT("SEND\na:b\n\nhalf"),
      "inside" },
    { "an escape beside plain headers", STOMP_1_2,
      INPUT("SEND\na:1\nb:x\\cy\nc:2\n\nbody\0"),
      "SEND [a=1] [b=x:y] [c=2] body=body\nidle" },
    { "an escape and an empty value", STOMP_1_2, INPUT("SEND\na\\c:\nb:\n\n\0"),
      "SEND [a:=] [b=]\nidle" },
