/* The process that holds a pod's namespaces: waits, reaps orphans, leaves on SIGTERM or SIGINT. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int number) {
  (void)number;
  _exit(0);
}

static void reap(int number) {
  (void)number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

int main(int count, char **words) {
  /* Before an upgrade, kubeadm sees whether a Job runs: this image, which is to tell its version and end. */
  if (count > 1 && strcmp(words[1], "-v") == 0) {
    puts("pause of the offline bundle");
    return 0;
  }
  signal(SIGINT, leave);
  signal(SIGTERM, leave);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
