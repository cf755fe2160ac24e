/* errors are the host's try and throw; see oxb.h */
