/* All services in one process: the one place that knows every core. */
#include "common/host.h"

void sv_host_add_all(struct sv_host *host)
{
#ifdef WITH_reporting
    sv_host_add(host, &reporting_class, NULL);
#endif
#ifdef WITH_grading
    sv_host_add(host, &grading_class, NULL);
#endif
#ifdef WITH_command
    sv_host_add(host, &command_class, NULL);
#endif
#ifdef WITH_duty
    sv_host_add(host, &duty_class, NULL);
#endif
#ifdef WITH_notification
    sv_host_add(host, &notification_class, NULL);
#endif
#ifdef WITH_supplies
    sv_host_add(host, &supplies_class, NULL);
#endif
}
