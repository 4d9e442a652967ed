/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/report.h"

#include "core/format.h"

void report_at(struct report *report, enum severity severity, const char *path, const char *property,
               const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    format_text(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (severity == REPORT_ERROR) {
        report->errors++;
    } else if (severity == REPORT_WARNING) {
        report->warnings++;
    }
    if (report->sink != NULL) {
        report->sink(report, severity, path, property, text);
    }
}
