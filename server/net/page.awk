# SPDX-License-Identifier: Apache-2.0
# Makes page.c from page.html: a table of character codes, because ISO C
# promises no string literal longer than 4095 bytes.
BEGIN {
    for (code = 1; code < 128; code++) {
        codes[sprintf("%c", code)] = code
    }
    print "/* Made from page.html; do not edit. */"
    print "#include \"server/net/page.h\""
    print ""
    print "const char page_html[] = {"
}
{
    line = "   "
    for (i = 1; i <= length($0); i++) {
        char = substr($0, i, 1)
        if (!(char in codes)) {
            print "page.html: line " NR ": ASCII only" > "/dev/stderr"
            exit 1
        }
        line = line " " codes[char] ","
    }
    print line " 10,"
}
END {
    print "};"
    print ""
    print "const size_t page_html_len = sizeof(page_html);"
}
