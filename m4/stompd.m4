# SPDX-License-Identifier: Apache-2.0
# Flag probing of our own: autoconf-archive is not to be assumed.

# STOMPD_TRY_CFLAG(FLAG, VARIABLE): appends FLAG to VARIABLE when it works.
AC_DEFUN([STOMPD_TRY_CFLAG], [
    stompd_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_MSG_CHECKING([whether $CC takes $1])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes]); $2="$$2 $1"],
        [AC_MSG_RESULT([no])])
    CFLAGS=$stompd_saved_cflags
])

AC_DEFUN([STOMPD_WARNINGS], [
    AC_ARG_ENABLE([werror],
        [AS_HELP_STRING([--enable-werror], [make warnings errors])],
        [], [enable_werror=no])
    WARN_CFLAGS=
    m4_foreach_w([flag], [-Wall -Wextra -Wpedantic -Wshadow -Wconversion
        -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
        -Wold-style-definition -Wmissing-variable-declarations
        -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wformat=2
        -Wundef -Wvla -Wnull-dereference -Wimplicit-fallthrough
        -Wduplicated-cond -Wduplicated-branches -Wlogical-op
        -Wenum-conversion],
        [STOMPD_TRY_CFLAG(flag, [WARN_CFLAGS])])
    AS_IF([test "x$enable_werror" = xyes],
        [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
    AC_SUBST([WARN_CFLAGS])
])

AC_DEFUN([STOMPD_SANITIZER], [
    AC_ARG_ENABLE([sanitizer],
        [AS_HELP_STRING([--enable-sanitizer=LIST],
            [build with -fsanitize=LIST, e.g. address,undefined or thread])],
        [], [enable_sanitizer=no])
    SAN_CFLAGS=
    AS_IF([test "x$enable_sanitizer" != xno],
        [SAN_CFLAGS="-fsanitize=$enable_sanitizer -fno-sanitize-recover=all -fno-omit-frame-pointer -g"])
    AC_SUBST([SAN_CFLAGS])
    AC_SUBST([SANITIZER], [$enable_sanitizer])
])

AC_DEFUN([STOMPD_FUZZ], [
    AC_ARG_ENABLE([fuzz],
        [AS_HELP_STRING([--enable-fuzz],
            [link the fuzz targets with libFuzzer (needs clang)])],
        [], [enable_fuzz=no])
    FUZZ_CFLAGS=
    # What the targets call must count its branches too.
    AS_IF([test "x$enable_fuzz" = xyes],
        [FUZZ_CFLAGS="-fsanitize=fuzzer"
         SAN_CFLAGS="$SAN_CFLAGS -fsanitize=fuzzer-no-link"])
    AC_SUBST([FUZZ_CFLAGS])
    AM_CONDITIONAL([ENABLE_FUZZ], [test "x$enable_fuzz" = xyes])
])
