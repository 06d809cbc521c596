import type { ServiceError, sendUnaryData } from '@grpc/grpc-js';

/** Answers a call of one question with what the work brings, or with the error that it throws. */
export async function answerUnary<T>(callback: sendUnaryData<T>, work: () => Promise<T>): Promise<void> {
  let answer: T;
  try {
    answer = await work();
  } catch (error) {
    return callback(error as ServiceError);
  }
  callback(null, answer);
}
